'use strict';

const get = (id) => document.getElementById(id);
let socket = null;
let wait_ms = 500;

function show(line) {
  const item = document.createElement('li');
  item.className = line.kind;
  const name = document.createElement('span');
  name.className = 'name';
  name.textContent = line.name;
  item.append(name, line.kind === 'said' ? line.text : line.kind === 'came' ? 'came in' : 'went away');
  const lines = get('lines');
  lines.append(item);
  while (lines.children.length > 500) lines.firstChild.remove();
  item.scrollIntoView({block: 'end'});
}

function connect() {
  const url = new URL(`/rooms/${encodeURIComponent(get('room').value)}`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.searchParams.set('name', get('name').value);
  get('state').textContent = 'connecting';
  socket = new WebSocket(url);
  socket.onopen = () => {
    wait_ms = 500;
    get('state').textContent = `in ${get('room').value}`;
  };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  // The server may go away for an update (1001): come back, and not all at the same moment.
  socket.onclose = (event) => {
    get('state').textContent = `not connected (${event.code})`;
    setTimeout(connect, wait_ms * (0.5 + Math.random()));
    wait_ms = Math.min(wait_ms * 2, 10000);
  };
}

get('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  get('enter').hidden = true;
  get('say').hidden = false;
  get('text').focus();
  connect();
});

get('say').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({text: get('text').value}));
  get('text').value = '';
});
