# Converts pictures on a CPU, without PyTorch:
#   docker build --tag pmsgan .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" pmsgan convert IN OUT --style anime
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/pmsgan \
    && /opt/pmsgan/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
COPY --from=build /opt/pmsgan /opt/pmsgan
RUN useradd --uid 10001 --create-home pmsgan
USER 10001
WORKDIR /work
ENTRYPOINT ["/opt/pmsgan/bin/pmsgan"]
CMD ["--help"]
