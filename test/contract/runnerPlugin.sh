#!/bin/sh
# A CNI plugin for tests of the runner: a bridge in the node's namespace, a veth for each pod, addresses from a counter.
# It records each call in $dir/calls, and fails ADD for pods whose name begins with "refused", and STATUS, while
# $dir/refuse exists.
set -e
dir=$(dirname "$(readlink -f "$0")")
input=$(cat)
pod=${CNI_ARGS#*K8S_POD_NAME=}
pod=${pod%%;*}
host=t$(echo "$CNI_CONTAINERID" | cut -c1-10)
echo "$CNI_COMMAND $pod $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS $CNI_ARGS" >>"$dir/calls"
echo "$input" >"$dir/stdin.$CNI_COMMAND"
case $CNI_COMMAND in
ADD)
  case $pod in refused*)
    if [ -e "$dir/refuse" ]; then
      echo '{"cniVersion":"1.1.0","code":11,"msg":"no address left","details":"try again later"}'
      exit 1
    fi ;;
  esac
  number=$(flock "$dir/lock" sh -c 'n=$(($(cat "$0" 2>/dev/null || echo 1) + 1)); echo $n >"$0"; echo $n' "$dir/counter")
  ns=$(basename "$CNI_NETNS")
  ip link add "$host" type veth peer name "$CNI_IFNAME" netns "$ns"
  ip link set "$host" up master cni0
  ip -n "$ns" addr add "10.99.0.$number/24" dev "$CNI_IFNAME"
  ip -n "$ns" addr add "fd99::$number/64" dev "$CNI_IFNAME" nodad
  ip -n "$ns" link set "$CNI_IFNAME" up
  ip -n "$ns" route add default via 10.99.0.1
  cat <<RESULT
{"cniVersion":"1.1.0","interfaces":[{"name":"$host"},{"name":"$CNI_IFNAME","sandbox":"$CNI_NETNS"}],
 "ips":[{"address":"10.99.0.$number/24","interface":1},{"address":"fd99::$number/64","interface":1}]}
RESULT
  ;;
STATUS)
  if [ -e "$dir/refuse" ]; then
    echo '{"cniVersion":"1.1.0","code":50,"msg":"no agent"}'
    exit 1
  fi ;;
DEL) ip link delete "$host" 2>/dev/null || true ;;
esac
