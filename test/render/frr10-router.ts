import { run } from '../../src/linux/run.ts'
import { refusals } from './loaded-router.ts'

/*
 * One FRR 10 router from boot to read-back, in namespaces of its own for processes, mounts and network: when the
 * shell ends, the kernel takes the daemons, mounts and interfaces with it, however it ended.
 *
 * mgmtd runs too: since FRR 10, interface addresses are its business and zebra refuses them.
 */

const endOfBoot = '==== running configuration ===='

const script = `
set -e
root=$1
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/etc/frr"
mkdir -p "$root/run/frr"
cat > "$root/etc/frr/frr.conf"
echo 'service integrated-vtysh-config' > "$root/etc/frr/vtysh.conf"
chown -R 300:301 "$root/run/frr" "$root/etc/frr"
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for daemon in mgmtd zebra bfdd bgpd; do
  chroot "$root" "/usr/lib/frr/$daemon" --daemon --limit-fds 256 --log file:/dev/null
done
chroot "$root" vtysh -b 2>&1
echo '${endOfBoot}'
chroot "$root" vtysh -c 'show running-config'
`

/** Loads an integrated configuration through FRR 10's vtysh and returns what its daemons then run. */
export async function loadOnFrr10(
  root: string,
  text: string,
): Promise<{ running: string; complaints: string }> {
  const { stdout } = await run(
    ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh', root],
    { input: text },
  )
  const [boot = '', running = ''] = stdout.split(endOfBoot)
  const named = /^hostname .*$/m.exec(text)?.[0] ?? ''
  return { running: running.replace(/^hostname .*$/m, named), complaints: refusals(boot) }
}
