"""The application behind the previews of these tests: everything that a proxy can get wrong, in one small server."""

import asyncio
import hashlib
import os
import sys
import uuid
from pathlib import Path

from aiohttp import web

LIFE = uuid.uuid4().hex


async def health(request):
    return web.json_response({"status": "ok"})


async def echo(request):
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": {k.lower(): v for k, v in request.headers.items()},
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    )


async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(int(request.query.get("n", 3))):
        await response.write(f"data: {number}\n\n".encode())
        await asyncio.sleep(float(request.query.get("pause", 0.3)))
    return response


async def big(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(int(request.query["mib"])):
        await response.write(b"x" * 1024 * 1024)
    return response


async def chat(request):
    ws = web.WebSocketResponse(protocols=("chat.v2",))
    await ws.prepare(request)
    async for message in ws:
        if message.data == "bye":
            await ws.close(code=4001, message=b"done")
        elif message.type == web.WSMsgType.TEXT:
            await ws.send_str(f"{ws.ws_protocol}:{message.data}")
        else:
            await ws.send_bytes(message.data)
    return ws


async def away(request):
    return web.Response(status=302, headers={"Location": request.query["to"]})


async def cookie(request):
    return web.Response(
        headers={"Set-Cookie": "a=1; Domain=preview.localhost; Path=/", "Connection": "x-secret", "X-Secret": "s"}
    )


async def crash(request):
    print("crashing on request", flush=True)
    os._exit(3)


async def nothing(request):
    return web.json_response({"title": "Not Found"}, status=404)


async def remember(request):
    path = Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///")).with_name("memory.txt")
    if request.method == "POST":
        path.write_text(await request.text())
    memory = path.read_text() if path.exists() else None
    return web.json_response({"memory": memory, "life": LIFE, "admin": os.environ.get("ADMIN_IDENTIFIER")})


if os.environ.get("BROKEN"):
    print("cannot start: the flux capacitor is missing", flush=True)
    sys.exit(7)
app = web.Application(client_max_size=1 << 30)
app.router.add_get("/", nothing)
app.router.add_get("/health", health)
app.router.add_get("/stream", stream)
app.router.add_get("/big", big)
app.router.add_get("/chat", chat)
app.router.add_get("/away", away)
app.router.add_get("/cookie", cookie)
app.router.add_post("/crash", crash)
app.router.add_route("*", "/remember", remember)
app.router.add_route("*", "/{path:.*}", echo)
print("listening", flush=True)
web.run_app(app, port=int(os.environ["PORT"]), host="127.0.0.1", print=None)
