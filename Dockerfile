# Every image of PacktChat; needs BuildKit, which is Docker's own builder since version 23.
#
#   docker build --target gateway .     or auth, chat-realtime, log-worker, cleanup-worker, haproxy, prepare,
#                                       postgres, prometheus, grafana, demo-oidc
#   docker compose build                all that docker-compose.yml runs
#
# Base images can be replaced: --build-arg RUST_IMAGE=…  They are Debian 12 or newer (glibc 2.36), and what is built in
# RUST_IMAGE has to run in RUNTIME_IMAGE and HAPROXY_IMAGE.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG HAPROXY_IMAGE=haproxy:3.0
ARG POSTGRES_IMAGE=postgres:17-bookworm
ARG PROMETHEUS_IMAGE=prom/prometheus:v2.53.5
ARG GRAFANA_IMAGE=grafana/grafana:11.6.5

# ---- The web client

FROM ${NODE_IMAGE} AS web
WORKDIR /src
COPY services/gateway/web/package.json services/gateway/web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY services/gateway/web ./
RUN npm run build

# ---- The services

FROM ${RUST_IMAGE} AS rust
# Line tables would make files five times as large. What is left still names the functions of a backtrace.
ENV CARGO_HOME=/cargo \
    CARGO_TARGET_DIR=/target \
    CARGO_PROFILE_RELEASE_DEBUG=none
WORKDIR /src

# The workspace without its code: whatever is written there, this stays the same until a dependency changes.
FROM rust AS manifests
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY services services
RUN find crates services -mindepth 3 -type f \
        ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -path '*/benches/*/main.rs' ! -path '*/tests/*/main.rs' \
        -delete \
    && find crates services -type f ! -name '*.rs' ! -name Cargo.toml -delete \
    && find crates services -type d -empty -delete \
    && printf '//! Stands for the code.\nfn main() {}\n' > /stub.rs \
    && find crates services -name '*.rs' -exec cp /stub.rs {} ';'

FROM rust AS dependencies
COPY --from=manifests /src ./
RUN --mount=type=cache,target=/cargo/registry \
    cargo build --release --locked --workspace --bins

# What pages show and images are labelled with: the build argument, else what .git says, else "unknown".
FROM rust AS commit
ARG COMMIT
COPY deploy/compose/commit.sh .gi[t] /git/
RUN sh /git/commit.sh /git "$COMMIT" > /commit

FROM rust AS build
COPY --from=commit /commit /commit
COPY Cargo.toml Cargo.lock ./
COPY deploy/compose/cargo-build.sh /
COPY crates crates
COPY services services
# The cache begins as the layer of dependencies, and then holds what the last build made: a change in one service
# compiles that service alone.
RUN --mount=type=cache,target=/cargo/registry \
    --mount=type=cache,target=/target,from=dependencies,source=/target,sharing=locked \
    PACKTCHAT_COMMIT="$(cat /commit)" sh /cargo-build.sh /out

# ---- What runs

FROM ${RUNTIME_IMAGE} AS runtime
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat" \
      org.opencontainers.image.description="A web chat that scales by adding machines" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"
COPY --from=build /out/packtchat /usr/local/bin/
USER 65532:65532
ENV PACKTCHAT__LIFECYCLE__ADMIN_LISTEN=0.0.0.0:9000
EXPOSE 9000
HEALTHCHECK --interval=3s --timeout=3s --start-period=60s --retries=3 \
    CMD ["packtchat", "probe", "http://127.0.0.1:9000/readyz"]

FROM runtime AS auth
COPY --from=build /out/auth /usr/local/bin/
ENTRYPOINT ["auth"]

FROM runtime AS chat-realtime
COPY --from=build /out/chat-realtime /usr/local/bin/
ENV PACKTCHAT__HTTP__LISTEN=0.0.0.0:8081
EXPOSE 8081
ENTRYPOINT ["chat-realtime"]

FROM runtime AS log-worker
COPY --from=build /out/log-worker /usr/local/bin/
ENTRYPOINT ["log-worker"]

FROM runtime AS cleanup-worker
COPY --from=build /out/cleanup-worker /usr/local/bin/
ENTRYPOINT ["cleanup-worker"]

FROM ${HAPROXY_IMAGE} AS haproxy
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's HAProxy" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"
COPY --from=build /out/packtchat /usr/local/bin/
COPY --chmod=755 deploy/compose/haproxy.sh /usr/local/bin/packtchat-haproxy
USER 65532:65532
# Soft: what is under way is finished.
STOPSIGNAL SIGUSR1
EXPOSE 8080 8443
ENTRYPOINT ["packtchat-haproxy"]

# Makes secrets and the configuration of servers, once. Of this base it needs the shell alone.
FROM ${HAPROXY_IMAGE} AS prepare
COPY --chmod=755 deploy/compose/prepare /usr/local/share/packtchat
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's preparations" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"
ENTRYPOINT ["/usr/local/share/packtchat/prepare.sh"]

# Without the official image's own start, which puts the password into the server's environment.
FROM ${POSTGRES_IMAGE} AS postgres
COPY --chmod=755 deploy/compose/postgres.sh /usr/local/bin/packtchat-postgres
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's PostgreSQL" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"
STOPSIGNAL SIGINT
ENTRYPOINT ["packtchat-postgres"]

# ---- The profile `metrics`

FROM ${PROMETHEUS_IMAGE} AS prometheus
COPY --chmod=644 deploy/compose/prometheus/prometheus.yml /etc/packtchat/prometheus.yml
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's Prometheus" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"

FROM ${GRAFANA_IMAGE} AS grafana
COPY --chmod=755 deploy/compose/grafana /etc/packtchat
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's Grafana" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"

# ---- The profile `demo-oidc`

FROM ${NODE_IMAGE} AS demo-oidc
WORKDIR /app
COPY deploy/compose/demo-oidc/package.json deploy/compose/demo-oidc/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --omit=dev
COPY --chmod=644 deploy/compose/demo-oidc/provider.js ./
ARG COMMIT
LABEL org.opencontainers.image.title="PacktChat's demo provider" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT:-unknown}"
USER 65532:65532
EXPOSE 8090
HEALTHCHECK --interval=3s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8090/.well-known/openid-configuration').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "provider.js"]

# Last, so that it is what a build without a target makes.
FROM runtime AS gateway
COPY --from=build /out/gateway /usr/local/bin/
COPY --from=web /src/dist /srv/packtchat/web
ENV PACKTCHAT__HTTP__LISTEN=0.0.0.0:8000 \
    PACKTCHAT__STATIC__DIR=/srv/packtchat/web
EXPOSE 8000
ENTRYPOINT ["gateway"]
