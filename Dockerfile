# The image of all of Detour's processes: one program, no shell, no root.
#
#   docker build --build-arg VERSION="$(git describe --always)" -t detour .
#
# The demo's embedded ClickHouse, libchdb.so, is not in it: run the demo with `make demo`.

FROM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/detour ./cmd/detour \
 && go build -trimpath -ldflags "-s -w" -o /out/healthcheck ./cmd/healthcheck \
 && mkdir -p /out/var/lib/detour /out/lib
# The program can load libchdb.so, so that it is linked to libc's loader even without cgo. What it needs is copied along.
RUN ldd /out/detour | grep -o '/[^ ]*' | sort -u | xargs -I FILE cp -L --parents FILE /out/lib

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="Detour" \
      org.opencontainers.image.description="Decides, from what clients measured, which path the users behind each DNS resolver take" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY LICENSE NOTICE /
COPY --from=build /out/lib /
COPY --from=build /out/detour /out/healthcheck /
# A volume mounted here gets this owner: dns keeps its last good map in it.
COPY --from=build --chown=65532:65532 /out/var/lib/detour /var/lib/detour
USER 65532:65532
ENTRYPOINT ["/detour"]
CMD ["help"]
