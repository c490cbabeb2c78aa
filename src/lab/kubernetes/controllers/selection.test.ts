import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pod, Service } from '../api-server/objects.ts'
import { selectsLabels } from '../api-server/selectors.ts'
import { createStore } from '../api-server/store.ts'
import { createSelection } from './selection.ts'

const labels = fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('a', 'b'), { maxKeys: 2 })
const change = fc.record({
  type: fc.constantFrom<'pods' | 'services'>('pods', 'services'),
  name: fc.constantFrom('x', 'y', 'z'),
  namespace: fc.constantFrom('one', 'two'),
  labels,
  isRemoval: fc.boolean(),
})

test('after any changes it selects what a comparison of all Services with all Pods selects', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const store = createStore()
      const selection = createSelection(store)
      store.subscribe('services', selection.noteService)
      let concerned: string[] = []
      store.subscribe('pods', (each) => {
        concerned = selection.notePod(each)
      })

      for (const { type, name, namespace, labels, isRemoval } of changes) {
        const metadata = { name, namespace, labels }
        if (isRemoval) store.remove(type, `${namespace}/${name}`)
        else store.put(type, { apiVersion: 'v1', kind: type, metadata, spec: { selector: labels } })
        const services = [...store.values('services')] as unknown as Service[]
        const pods = [...store.values('pods')] as unknown as Pod[]
        const isSelected = (service: Service, pod: Pod) =>
          service.metadata.namespace === pod.metadata.namespace &&
          selectsLabels(service.spec.selector, pod.metadata.labels)

        for (const service of services) {
          const expected = pods.filter((pod) => isSelected(service, pod)).map((pod) => pod.metadata.uid)
          expect(selection.podsOf(service).map((pod) => pod.metadata.uid)).toHaveLength(expected.length)
        }
        const pod = store.get('pods', `${namespace}/${name}`) as unknown as Pod | undefined
        if (type === 'pods' && pod !== undefined && !isRemoval) {
          const selecting = services
            .filter((service) => isSelected(service, pod))
            .map(({ metadata }) => `${namespace}/${metadata.name}`)
          expect(concerned).toEqual(expect.arrayContaining(selecting))
        }
      }
    }),
  )
})
