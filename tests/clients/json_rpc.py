"""JSON-RPC libraries of Python, each as its own documentation uses it.

    json_rpc.py LIBRARY URL STEPS

STEPS is JSON, a list of ["call", METHOD, PARAMS], ["notify", METHOD, PARAMS] and
["batch", [METHOD, PARAMS], ...]. It prints a list with what the library handed out for each:
{"result": ...}, {"error": {"code": ..., "message": ...}}, a list of them, or {"notified": true}.
"""

import json
import sys


def failed(code, message):
    return {"error": {"code": code, "message": message}}


class JsonRpcClient:
    """jsonrpcclient makes requests and reads answers; what is between them is requests."""

    def __init__(self, url):
        import requests

        self.url, self.session = url, requests.Session()

    def call(self, method, params):
        from jsonrpcclient import parse, request

        answer = self.session.post(self.url, json=request(method, params=tuple(params)))
        return self.outcome(parse(answer.json()))

    def notify(self, method, params):
        from jsonrpcclient import notification

        self.session.post(self.url, json=notification(method, params=tuple(params))).raise_for_status()
        return {"notified": True}

    def batch(self, calls):
        from jsonrpcclient import parse, request

        requests = [request(method, params=tuple(params)) for method, params in calls]
        return [self.outcome(answer) for answer in parse(self.session.post(self.url, json=requests).json())]

    @staticmethod
    def outcome(answer):
        from jsonrpcclient import Ok

        return {"result": answer.result} if isinstance(answer, Ok) else failed(answer.code, answer.message)


class JsonRpcRequests:
    """Called by send_request: its attribute syntax needs a Python before 3.10."""

    def __init__(self, url):
        from jsonrpc_requests import Server

        self.server = Server(url)

    def call(self, method, params):
        from jsonrpc_requests import ProtocolError

        try:
            return {"result": self.server.send_request(method, False, params)}
        except ProtocolError as fault:
            return failed(fault.server_data["error"]["code"], str(fault))

    def notify(self, method, params):
        self.server.send_request(method, True, params)
        return {"notified": True}


class JsonRpcLib:
    def __init__(self, url, version):
        from jsonrpclib import config, jsonrpc

        settings = config.Config(version=version)
        self.server = jsonrpc.ServerProxy(url, config=settings)
        self.multicall = lambda: jsonrpc.MultiCall(self.server, config=settings)

    def call(self, method, params):
        return self.outcome(lambda: getattr(self.server, method)(*params))

    def notify(self, method, params):
        getattr(self.server._notify, method)(*params)
        return {"notified": True}

    def batch(self, calls):
        batch = self.multicall()
        for method, params in calls:
            getattr(batch, method)(*params)
        answers = batch()
        return [self.outcome(lambda place=place: answers[place]) for place in range(len(answers))]

    @staticmethod
    def outcome(call):
        from jsonrpclib import ProtocolError

        try:
            return {"result": call()}
        except ProtocolError as fault:
            return failed(*fault.args[0][:2])


class TinyRpc:
    def __init__(self, url):
        from tinyrpc import RPCClient
        from tinyrpc.protocols.jsonrpc import JSONRPCProtocol
        from tinyrpc.transports.http import HttpPostClientTransport

        self.client = RPCClient(JSONRPCProtocol(), HttpPostClientTransport(url))

    def call(self, method, params):
        from tinyrpc.protocols.jsonrpc import JSONRPCError

        try:
            return {"result": self.client.call(method, params, {})}
        except JSONRPCError as fault:
            return failed(fault._jsonrpc_error_code, fault.message)

    def notify(self, method, params):
        self.client.call(method, params, {}, one_way=True)
        return {"notified": True}

    def batch(self, calls):
        answers = self.client.batch_call([(method, params, {}) for method, params in calls])
        return [
            failed(answer._jsonrpc_error_code, answer.error)
            if hasattr(answer, "error")
            else {"result": answer.result}
            for answer in answers
        ]


class PjRpc:
    def __init__(self, url):
        from pjrpc.client.backend.requests import Client

        self.client = Client(url)

    def call(self, method, params):
        from pjrpc.common.exceptions import JsonRpcError

        try:
            return {"result": self.client.call(method, *params)}
        except JsonRpcError as fault:
            return failed(fault.code, fault.message)

    def notify(self, method, params):
        self.client.notify(method, *params)
        return {"notified": True}

    def batch(self, calls):
        with self.client.batch() as batch:
            for method, params in calls:
                batch(method, *params)
        return [
            failed(answer.error.code, answer.error.message)
            if answer.is_error
            else {"result": answer.result}
            for answer in batch.get_response()
        ]


LIBRARIES = {
    "jsonrpcclient": JsonRpcClient,
    "jsonrpc-requests": JsonRpcRequests,
    "jsonrpclib-pelix-1.0": lambda url: JsonRpcLib(url, 1.0),
    "jsonrpclib-pelix-2.0": lambda url: JsonRpcLib(url, 2.0),
    "tinyrpc": TinyRpc,
    "pjrpc": PjRpc,
}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in LIBRARIES:
        raise SystemExit(__doc__)
    client = LIBRARIES[sys.argv[1]](sys.argv[2])
    outcomes = []
    for verb, *step in json.loads(sys.argv[3]):
        if verb == "batch":
            outcomes.append(client.batch(step))
        else:
            outcomes.append(getattr(client, verb)(*step))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
