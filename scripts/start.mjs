/* `npm start`: from a fresh clone to the tour. Arguments go to the tour: `npm start -- --stay`. */
import { environmentInside, localNode, runInForeground } from './setup/process.mjs'
import { explainObstacles, setUp } from './setup/setup.mjs'

const machine = await setUp('start')
if (machine !== undefined) {
  if (machine.obstacles.length > 0) {
    explainObstacles(machine.obstacles)
    process.exitCode = 3
  } else {
    process.exitCode = await runInForeground(
      localNode,
      ['src/cli/main.ts', 'tour', ...process.argv.slice(2)],
      {
        env: environmentInside(),
      },
    )
  }
}
