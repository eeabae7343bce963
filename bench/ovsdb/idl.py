# The Python IDL of Open vSwitch, doing what bench.ts has the TypeScript client do: `idl.py REMOTE SCHEMA`. One JSON
# line at each stage: the first copy, then single-row transactions, then one transaction of many rows.
import json
import sys
import time

import ovs.db.idl
import ovs.poller

remote, schema, single, many = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def say(**fields):
    print(json.dumps(fields), flush=True)


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def commit(count, prefix):
    txn = ovs.db.idl.Transaction(idl)
    for index in range(count):
        txn.insert(idl.tables["Address_Set"]).name = "%s-%d" % (prefix, index)
    status = txn.commit_block()
    if status != ovs.db.idl.Transaction.SUCCESS:
        raise RuntimeError(ovs.db.idl.Transaction.status_to_string(status))


helper = ovs.db.idl.SchemaHelper(schema)
helper.register_table("Logical_Switch_Port")
helper.register_columns("Address_Set", ["name"])
before = resident()
started = time.monotonic()
idl = ovs.db.idl.Idl(remote, helper)
while not idl.has_ever_connected():
    idl.run()
    poller = ovs.poller.Poller()
    idl.wait(poller)
    if not idl.has_ever_connected():
        poller.block()
say(rows=len(idl.tables["Logical_Switch_Port"].rows), seconds=time.monotonic() - started, megabytes=resident() - before)

milliseconds = []
for index in range(single):
    began = time.monotonic()
    commit(1, "idl-%d" % index)
    milliseconds.append((time.monotonic() - began) * 1000)
began = time.monotonic()
commit(many, "idl-many")
say(single=milliseconds, many=(time.monotonic() - began) * 1000)
