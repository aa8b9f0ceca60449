const { once } = require('node:events')
const { bandwidthToken } = require('@bandwidth-token/express')
const express = require('express')

async function main() {
  const middleware = bandwidthToken({ authorize: (req) => req.get('x-user') === 'alice' })
  const server = express().use(middleware).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}/bandwidth/token`, {
    headers: { 'x-user': 'alice' }
  })
  const answer = await response.json()
  server.close()
  await middleware.close()
  process.stdout.write(JSON.stringify({ answers: { express: answer } }))
}

main()
