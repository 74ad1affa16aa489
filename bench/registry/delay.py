"""A TCP proxy that puts a round-trip time between a client and a server on this machine.

    delay.py PORT SERVER_PORT MILLISECONDS

Every byte is half the time on its way. A connection costs one round trip more before its first byte, as
a handshake over that distance would.
"""
import asyncio
import sys

port, server, half = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000


async def carry(reader, writer, extra):
    """Passes bytes on, each piece `half` (and the first ones `extra`) later than it came."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue(maxsize=1024)
    opened = loop.time() + extra

    async def send():
        while True:
            due, data = await pieces.get()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        while True:
            data = await reader.read(1 << 18)
            await pieces.put((max(loop.time(), opened) + half, data))
            if not data:
                break
        await sending
    except (ConnectionError, OSError):
        sending.cancel()


async def serve(reader, writer):
    try:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", server)
    except OSError:
        writer.close()
        return
    await asyncio.gather(
        carry(reader, there_writer, 2 * half), carry(there_reader, writer, 0), return_exceptions=True
    )
    writer.close()
    there_writer.close()


async def main():
    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    async with listening:
        await listening.serve_forever()


asyncio.run(main())
