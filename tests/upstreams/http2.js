// A site that speaks HTTP/2 known beforehand (RFC 9113, section 3.3), on a port of the system's choice, which it
// prints. What it does depends on the path.
'use strict';
const http2 = require('node:http2');

const { NGHTTP2_NO_ERROR } = http2.constants;
let sessions = 0;

function read(stream, done) {
  const pieces = [];
  let trailers = {};
  stream.on('data', (piece) => pieces.push(piece));
  stream.on('trailers', (headers) => { trailers = headers; });
  stream.on('end', () => done(Buffer.concat(pieces), trailers));
}

const sites = {
  // What the request looks like, lines of one name one by one.
  '/shown': (stream, headers, raw) => read(stream, (body) => {
    const lines = [];
    for (let at = 0; at < raw.length; at += 2) lines.push(`${raw[at]}: ${raw[at + 1]}`);
    stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] });
    stream.end(`${lines.join('\n')}\n\n${body}`);
  }),
  '/trailers': (stream) => read(stream, (body, trailers) => {
    stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': `${body.length}, ${trailers['x-sum']}` }));
    stream.end('body');
  }),
  '/echo': (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  },
  // Answers before it has read the body, which it does not want.
  '/early': (stream) => {
    stream.respond({ ':status': 413 });
    stream.end('too much', () => stream.close(NGHTTP2_NO_ERROR));
  },
  '/hints': (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('after hints');
  },
  '/half': (stream) => {
    stream.respond({ ':status': 200 });
    // `close` would end it in good order first.
    stream.write('half', () => setTimeout(() => stream.destroy(new Error('half')), 100));
  },
  // Says GOAWAY once it has answered.
  '/away': (stream) => read(stream, () => {
    stream.respond({ ':status': 200 });
    stream.end('away');
    stream.session.close();
  }),
  '/sessions': (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(String(sessions));
  },
  '/unchanged': (stream) => {
    stream.respond({ ':status': 304, etag: '"7"' }, { endStream: true });
  },
  '/empty': (stream) => {
    stream.respond({ ':status': 204 }, { endStream: true });
  },
  '/length': (stream, headers) => {
    stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: headers[':method'] === 'HEAD' });
    if (headers[':method'] !== 'HEAD') stream.end('whole');
  },
};

const server = http2.createServer();
server.on('session', (session) => {
  sessions += 1;
  session.on('error', () => {});
});
server.on('stream', (stream, headers, flags, raw) => {
  stream.on('error', () => {});
  const site = sites[headers[':path'].split('?')[0]];
  if (site) {
    site(stream, headers, raw);
  } else {
    stream.respond({ ':status': 404 }, { endStream: true });
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
