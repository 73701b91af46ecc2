"""The moto server on one port of 127.0.0.1, until standard input ends.

    python moto_server.py PORT

moto (Apache-2.0) is a second, independent emulator: it keeps the tests from being written to one's habits.
"""
import sys

from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
server.start()
sys.stdin.read()
server.stop()
