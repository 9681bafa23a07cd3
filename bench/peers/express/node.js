// The chain with Express and axios, connections kept, as the original suite's authors would write it now.
import http from 'node:http'
import axios from 'axios'
import express from 'express'

const { NODE_NAME = 'john', PORT = '3000', NEXT = '' } = process.env
const name = `node-${NODE_NAME}`
const meow = `meow from ${name}:${PORT}`
const next = axios.create({ baseURL: NEXT, timeout: 5000, httpAgent: new http.Agent({ keepAlive: true }) })

const pass = async (path) => {
  if (!NEXT) return []
  const answer = await next.post('/meow', [...path, name])
  return answer.data
}

const app = express()
app.use(express.json({ limit: '16kb' }))
app.get('/ping', (request, response) => response.send('pong'))
app.get('/start', async (request, response) => response.json(await pass([])))
app.post('/meow', async (request, response) => response.json([meow, ...(await pass(request.body))]))
app.use((error, request, response, _next) => {
  response.status(502).json({ status: 'error', message: { status: 502, detail: error.message } })
})
app.listen(Number(PORT), '127.0.0.1')
