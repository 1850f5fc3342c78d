# A node in a container: docs/install.md, "Docker".
#
# Everything is built inside, the web client too; the final image holds the one static binary and nothing else.

FROM rust:1-alpine AS build
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo xtask web \
    && cargo build --profile small --locked --package nostrp2p-node \
    && cp target/small/nostrp2p /nostrp2p \
    && mkdir /data

FROM scratch
COPY --from=build /nostrp2p /nostrp2p
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
# Inside the container it must listen on all addresses; which of them anybody reaches, `-p` of docker run decides.
ENV NOSTRP2P_DATA_DIR=/data NOSTRP2P_LISTEN_ADDR_PORT=0.0.0.0:20000 NOSTRP2P_NO_QR=true
VOLUME /data
EXPOSE 20000/tcp 20000/udp 20001/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=15s --start-period=10s CMD ["/nostrp2p", "status"]
ENTRYPOINT ["/nostrp2p"]
CMD ["server"]
