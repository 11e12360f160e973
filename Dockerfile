# syntax=docker/dockerfile:1
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY bot bot
COPY cmd cmd
COPY phases phases
COPY webhook webhook
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /restage ./cmd/restage

FROM debian:bookworm-slim
RUN useradd --system --uid 65532 --user-group --home-dir /data --create-home --shell /usr/sbin/nologin restage
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /restage /usr/local/bin/restage
# What the server remembers. Without a volume here it forgets all of it.
VOLUME /data
WORKDIR /data
ENV RESTAGE_DATABASE_URL=sqlite:/data/restage.db
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["restage"]
CMD ["serve"]
