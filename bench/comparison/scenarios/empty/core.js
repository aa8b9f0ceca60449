import { LRUCache } from 'lru-cache'
import { nobody } from './shared.js'

export const nothing = [LRUCache, nobody]
