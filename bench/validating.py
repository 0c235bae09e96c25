"""A server whose routes validate the body of a purchase or of a quote and answer: what HTTP itself costs."""

import uvicorn
from fastapi import FastAPI

from domain.messages.batches import PurchaseBatch
from domain.messages.purchases import PurchaseBody
from domain.messages.quotes import QuoteBody
from infra.process import quiet_gc
from infra.settings import Settings

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/purchases", status_code=201)
async def validate(body: PurchaseBody) -> dict[str, object]:
    return {"position": len(body.lines)}


@app.post("/purchases/batch")
async def validate_batch(body: PurchaseBatch) -> dict[str, object]:
    return {"position": len(body.items)}


@app.post("/quotes")
async def validate_quote(body: QuoteBody) -> dict[str, object]:
    return {"position": len(body.lines)}


if __name__ == "__main__":
    settings = Settings()
    quiet_gc()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.command_port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )
