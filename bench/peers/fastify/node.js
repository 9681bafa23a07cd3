// The chain with Fastify and undici: schemas for what is answered, a pool for what is asked.
import Fastify from 'fastify'
import { Pool } from 'undici'

const { NODE_NAME = 'john', PORT = '3000', NEXT = '' } = process.env
const name = `node-${NODE_NAME}`
const meow = `meow from ${name}:${PORT}`
const next = NEXT ? new Pool(NEXT, { headersTimeout: 5000, bodyTimeout: 5000 }) : undefined

const pass = async (path) => {
  if (!next) return []
  const answer = await next.request({
    path: '/meow',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([...path, name])
  })
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
  return answer.body.json()
}

const names = { type: 'array', items: { type: 'string' } }
const app = Fastify({ bodyLimit: 16384 })
app.get('/ping', async () => 'pong')
app.get('/start', { schema: { response: { 200: names } } }, async () => pass([]))
app.post('/meow', { schema: { body: names, response: { 200: names } } }, async (request) => [
  meow,
  ...(await pass(request.body))
])
app.setErrorHandler((error, request, reply) => {
  reply.code(502).send({ status: 'error', message: { status: 502, detail: error.message } })
})
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
