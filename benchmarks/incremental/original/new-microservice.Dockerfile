FROM original-python-slim AS builder
WORKDIR /app
COPY wheels /wheels
COPY requirements.txt .
RUN python3 -m venv /opt/venv && \
    /opt/venv/bin/pip install --no-cache-dir --no-index --find-links=/wheels pyinstaller -r requirements.txt
COPY new_microservice new_microservice
RUN /opt/venv/bin/pyinstaller --onefile --name new-microservice new_microservice/__main__.py

FROM original-python-slim
WORKDIR /app
COPY --from=builder /app/dist/new-microservice .
USER nobody
CMD ["./new-microservice"]
