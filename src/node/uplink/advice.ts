// What to configure where Weft does not move an uplink itself, for the three programs that own interfaces on most Linux
// machines. The texts follow systemd.network(5), nm-settings-nmcli(5) with nmcli-examples(7), and netplan(5).

import { onNode } from "../../model/names.ts";

const bridge = onNode.externalBridge;

export const managers = ["networkd", "networkmanager", "netplan"] as const;
export type Manager = (typeof managers)[number];

/** Why an address with a lease is not moved: its client would renew it on the old interface, or nobody would. */
export const dhcpAdvice = (uplink: string, addresses: readonly string[]): string =>
  `${uplink} has ${addresses.join(", ")} from DHCP or router advertisements, which only the program that asked for it can renew, and it would do so on ${uplink}: let that program ask on ${bridge} (weft node uplink --configuration ${managers.join("|")} prints how), or give the node a fixed address`;

/** What makes `uplink` a port of br-ex and br-ex the interface with the addresses, with `mac` as its MAC. */
export const configurationText = (manager: Manager, uplink: string, mac: string): string =>
  ({
    networkd: networkd(uplink, mac),
    networkmanager: networkManager(uplink, mac),
    netplan: netplan(uplink, mac),
  })[manager];

/** systemd-networkd knows no bridges of Open vSwitch: those are made once, and networkd configures br-ex. */
const networkd = (
  uplink: string,
  mac: string,
): string => `# Once, as root. The bridge stays in Open vSwitch's database.
ovs-vsctl --may-exist add-br ${bridge} -- set Bridge ${bridge} other-config:hwaddr="${mac}" -- --may-exist add-port ${bridge} ${uplink}

# /etc/systemd/network/10-${uplink}.network
[Match]
Name=${uplink}
[Network]
LinkLocalAddressing=no
IPv6AcceptRA=no

# /etc/systemd/network/10-${bridge}.network; with fixed addresses Address= and Gateway= in place of DHCP=
[Match]
Name=${bridge}
[Network]
DHCP=yes
[DHCPv4]
ClientIdentifier=mac

# Then, with a second way into the machine at hand: networkctl reload
`;

const networkManager = (
  uplink: string,
  mac: string,
): string => `# As root, with the package NetworkManager-ovs and a second way into the machine at hand.
nmcli connection add type ovs-bridge conn.interface ${bridge} con-name ${bridge}
nmcli connection add type ovs-port conn.interface ${uplink} master ${bridge} con-name ovs-port-${uplink}
nmcli connection add type ethernet conn.interface ${uplink} master ovs-port-${uplink} con-name ovs-if-${uplink}
nmcli connection add type ovs-port conn.interface ${bridge} master ${bridge} con-name ovs-port-${bridge}
nmcli connection add type ovs-interface slave-type ovs-port conn.interface ${bridge} master ovs-port-${bridge} con-name ovs-if-${bridge} ipv4.method auto ipv6.method auto 802-3-ethernet.cloned-mac-address ${mac}
nmcli connection up ovs-if-${uplink} && nmcli connection up ovs-if-${bridge}
`;

const netplan = (
  uplink: string,
  mac: string,
): string => `# /etc/netplan/90-weft.yaml, with fixed addresses \`addresses:\` and \`routes:\` in place of dhcp4
network:
  version: 2
  ethernets:
    ${uplink}: {dhcp4: false, dhcp6: false, accept-ra: false}
  bridges:
    ${bridge}:
      openvswitch: {}
      interfaces: [${uplink}]
      macaddress: ${mac}
      dhcp4: true
      dhcp-identifier: mac
# Then: netplan try, which takes it back by itself unless you confirm.
`;
