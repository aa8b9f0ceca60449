// What the recipes read from the environment.
declare namespace NodeJS {
  interface ProcessEnv {
    SESSION_SECRET: string
    SESSION_KEY: string
    JWT_SECRET: string
    VAULT_ADDR: string
    VAULT_TOKEN: string
  }
}
