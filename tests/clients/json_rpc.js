'use strict';
/**
 * JSON-RPC libraries of Node, each as its own documentation uses it.
 *
 *   NODE_PATH=…/node_modules node json_rpc.js LIBRARY URL STEPS
 *
 * STEPS is JSON, a list of ["call", METHOD, PARAMS], ["notify", METHOD, PARAMS] and
 * ["batch", [METHOD, PARAMS], …]. It prints a list with what the library handed out for each:
 * {"result": …}, {"error": {"code": …, "message": …}}, a list of them, or {"notified": true}.
 */

const [library, url, steps] = process.argv.slice(2);

const failed = ({ code, message }) => ({ error: { code: code ?? null, message } });

/** jayson: callbacks with (error, response), or (error, errors, successes) for a batch. */
function jayson(version) {
  const { Client } = require('jayson');
  const { hostname, port, pathname } = new URL(url);
  const client = Client.http({ hostname, port, path: pathname, version });
  const outcome = ({ error, result }) => (error ? failed(error) : { result });
  const send = (...request) =>
    new Promise((resolve) => {
      client.request(...request, (error, response) => resolve(error ? failed(error) : response));
    });
  return {
    call: async (method, params) => outcome(await send(method, params)),
    notify: async (method, params) => {
      const answer = await send(method, params, null);
      return answer?.error ? outcome(answer) : { notified: true };
    },
    batch: (calls) =>
      new Promise((resolve) => {
        const requests = calls.map(([method, params]) => client.request(method, params, undefined));
        client.request(requests, (error, errors, successes) => {
          const answers = error ? [] : [...errors, ...successes];
          const answerTo = ({ id }) => outcome(answers.find((answer) => answer.id === id));
          resolve(error ? failed(error) : requests.map(answerTo));
        });
      }),
  };
}

/** json-rpc-2.0: promises over a transport that the application brings, here fetch. */
function jsonRpc20() {
  const { JSONRPCClient, createJSONRPCRequest } = require('json-rpc-2.0');
  let onStatus;
  const client = new JSONRPCClient(async (request) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    onStatus?.(response.status);
    if (response.status === 200) return response.json().then((answer) => client.receive(answer));
    if (request.id !== undefined) throw new Error(response.statusText);
  });
  const limited = client.timeout(10_000);
  return {
    call: (method, params) => limited.request(method, params).then((result) => ({ result }), failed),
    notify: async (method, params) => {
      const status = new Promise((resolve) => (onStatus = resolve));
      client.notify(method, params);
      return (await status) < 300 ? { notified: true } : failed({ message: 'refused' });
    },
    batch: async (calls) => {
      const requests = calls.map(([method, params], id) => createJSONRPCRequest(100 + id, method, params));
      const answers = await limited.requestAdvanced(requests);
      return answers.map(({ error, result }) => (error ? failed(error) : { result }));
    },
  };
}

const libraries = {
  'jayson-2.0': () => jayson(2),
  'jayson-1.0': () => jayson(1),
  'json-rpc-2.0': jsonRpc20,
};

async function main() {
  const client = libraries[library]();
  const outcomes = [];
  for (const [verb, ...step] of JSON.parse(steps)) {
    outcomes.push(await (verb === 'batch' ? client.batch(step) : client[verb](...step)));
  }
  console.log(JSON.stringify(outcomes));
}

main();
