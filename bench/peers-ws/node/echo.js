// Echo with npm's ws: node echo.js PORT
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), path: '/ws', backlog: 4096 });
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
