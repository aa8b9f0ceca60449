import '@fastify/jwt'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: { sub: string; mayCall: boolean }
  }
}

declare global {
  namespace Express {
    interface User {
      name: string
    }
  }
}
