FROM original-python-slim AS builder
WORKDIR /app
COPY wheels /wheels
COPY requirements.txt .
RUN python3 -m venv /opt/venv && \
    /opt/venv/bin/pip install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt

FROM original-python-slim
RUN useradd --create-home appuser
WORKDIR /app
COPY --from=builder /opt/venv /opt/venv
COPY legacy_app legacy_app
USER appuser
CMD ["/opt/venv/bin/python", "-m", "legacy_app"]
