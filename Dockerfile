# Builds Tidemark in one image and ships it in a second one that holds neither compiler nor source.
#
#   docker build -t tidemark .
#   docker run -p 6033:6033 -v ./tidemark.ini:/etc/tidemark/tidemark.ini:ro tidemark
#
# BASE is any Debian 12 image.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        gcc libc6-dev make pkg-config libuv1-dev libssl-dev libsodium-dev libinih-dev libmicrohttpd-dev \
        zlib1g-dev libzstd-dev libsqlite3-dev uthash-dev \
        default-libmysqlclient-dev \
    && rm -rf /var/lib/apt/lists/*
COPY Makefile LICENSE README.md CHANGELOG.md /source/
COPY protocol /source/protocol
COPY router /source/router
COPY health /source/health
COPY proxy /source/proxy
COPY examples /source/examples
COPY docs /source/docs
RUN make -C /source -j"$(nproc)" all && make -C /source install PREFIX=/usr DESTDIR=/installed

FROM ${BASE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libuv1 libssl3 zlib1g libzstd1 libsodium23 libinih1 libmicrohttpd12 libsqlite3-0 libmariadb3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /
COPY examples/minimal.ini /etc/tidemark/tidemark.ini
# Inside a container loopback is nobody's; the port is published or not by whoever runs it.
ENV TIDEMARK_PROXY_LISTEN=0.0.0.0:6033
EXPOSE 6033
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tidemark"]
CMD ["--config", "/etc/tidemark/tidemark.ini"]
