# The image of all of Detour's processes: one static program, no libc, no shell, no root.
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" --build-arg REVISION="$(git rev-parse HEAD)" -t detour .
#
# The demo's embedded ClickHouse is not in it (build tag slim): run the demo with `make demo`.

FROM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG REVISION=
RUN go build -tags slim -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.commit=$REVISION" -o /out/detour ./cmd/detour
# ldd fails for a program that needs no loader: there is none in the image.
RUN ! ldd /out/detour && mkdir -p /out/var/lib/detour

FROM scratch
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="Detour" \
      org.opencontainers.image.description="Decides, from what clients measured, which path the users behind each DNS resolver take" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY LICENSE NOTICE /
COPY --from=build /out/detour /
# A volume mounted here gets this owner: dns keeps its last good map in it.
COPY --from=build --chown=65532:65532 /out/var/lib/detour /var/lib/detour
USER 65532:65532
ENTRYPOINT ["/detour"]
CMD ["help"]
