# The Python IDL of Open vSwitch, following the same commands as client.ts: `idl.py REMOTE SCHEMA SINGLE MANY PIPELINED`.
import json
import sys
import time

import ovs.db.idl
import ovs.poller

remote, schema = sys.argv[1], sys.argv[2]
single, many, pipelined = (int(count) for count in sys.argv[3:6])
ROWS_EACH = 100
MANIES = 2


class Telling(ovs.db.idl.Idl):
    telling = False

    def notify(self, event, row, updates=None):
        if self.telling and event == ovs.db.idl.ROW_CREATE and row._table.name == "Address_Set":
            print(row.name, flush=True)


def say(**fields):
    print(json.dumps(fields), flush=True)


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def filled(count, prefix):
    txn = ovs.db.idl.Transaction(idl)
    for index in range(count):
        txn.insert(idl.tables["Address_Set"]).name = "%s-%d" % (prefix, index)
    return txn


def succeeded(status):
    if status != ovs.db.idl.Transaction.SUCCESS:
        raise RuntimeError(ovs.db.idl.Transaction.status_to_string(status))


def milliseconds(count, prefix):
    began = time.monotonic()
    succeeded(filled(count, prefix).commit_block())
    return (time.monotonic() - began) * 1000


def turn():
    poller = ovs.poller.Poller()
    idl.wait(poller)
    poller.block()
    idl.run()


helper = ovs.db.idl.SchemaHelper(schema)
helper.register_table("Logical_Switch_Port")
helper.register_columns("Address_Set", ["name"])
before = resident()
started = time.monotonic()
idl = Telling(remote, helper, leader_only=False)
idl.run()
while not idl.has_ever_connected():
    turn()
say(rows=len(idl.tables["Logical_Switch_Port"].rows), seconds=time.monotonic() - started, megabytes=resident() - before)


def one_by_one(name, count, rows):
    return [milliseconds(rows, "idl-%s-%d" % (name, index)) for index in range(count)]


def piped(name):
    began = time.monotonic()
    under_way = []
    for index in range(pipelined // ROWS_EACH):
        txn = filled(ROWS_EACH, "idl-%s-%d" % (name, index))
        txn.commit()
        under_way.append(txn)
    while any(txn.commit() == ovs.db.idl.Transaction.INCOMPLETE for txn in under_way):
        turn()
    for txn in under_way:
        succeeded(txn.commit())
    return [time.monotonic() - began]


for line in iter(sys.stdin.readline, ""):
    words = line.split()
    if words[0] == "singles":
        print(json.dumps(one_by_one(words[1], single, 1)), flush=True)
    elif words[0] == "manies":
        print(json.dumps(one_by_one(words[1], MANIES, many)), flush=True)
    elif words[0] == "pipelined":
        print(json.dumps(piped(words[1])), flush=True)
    else:
        idl.telling = True
        while True:
            turn()
