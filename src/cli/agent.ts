import { Command } from 'commander'
import { agentPlanCommand } from './agent-plan.ts'
import { agentStatusCommand } from './agent-status.ts'

/** `weft agent`. */
export function agentCommand(): Command {
  return new Command('agent')
    .description('Looks at the agents that announce Services: what they follow, and what keeps them from it.')
    .addCommand(agentStatusCommand())
    .addCommand(agentPlanCommand())
    .addHelpText(
      'after',
      `
Examples:
  weft agent status                      this node’s agent
  weft agent status --lab demo           all agents of a lab
  weft agent plan /etc/weft/agent.json   what an agent with this configuration would change`,
    )
}
