# syntax=docker/dockerfile:1
# Gatepost in a slim image: no compiler, no root, nothing written outside /data.
#
#   docker build -t gatepost .
#   export GATEPOST_ADMIN_KEY=$(openssl rand -hex 32)     # for the console
#   docker run --rm --init --read-only --tmpfs /tmp -v gatepost:/data \
#       -v "$PWD/deploy/gatepost.yaml:/etc/gatepost/gatepost.yaml:ro" \
#       -p 127.0.0.1:2525:2525 -p 127.0.0.1:8025:8025 -e GATEPOST_ADMIN_KEY gatepost
#
# The file is readable by everybody and names its secrets only. Without --init a start could not be broken off: nothing
# else stops a process 1 that does not listen to signals yet.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/gatepost
COPY requirements.lock ./
RUN /opt/gatepost/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY policy ./policy
COPY config ./config
COPY relay ./relay
RUN /opt/gatepost/bin/pip install --no-deps --no-build-isolation . \
 && /opt/gatepost/bin/pip uninstall --yes pip \
 && /opt/gatepost/bin/python -m compileall -q /opt/gatepost/lib

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10025 --home-dir /data --shell /usr/sbin/nologin gatepost \
 && install -d -o gatepost -g gatepost -m 0750 /data \
 && install -d /etc/gatepost
COPY --from=build /opt/gatepost /opt/gatepost
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEPOST_CONFIG=/etc/gatepost/gatepost.yaml \
    GATEPOST_SERVER__DATA_DIR=/data
USER gatepost
WORKDIR /data
VOLUME /data
EXPOSE 2525 2526 8025
# The drain (server.drain_timeout, 8 s) fits into the ten seconds a container is given to stop.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["gatepost", "healthcheck"]
ENTRYPOINT ["gatepost"]
CMD ["serve"]
