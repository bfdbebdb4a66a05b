# syntax=docker/dockerfile:1

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
# With .sqlx, against which SQL is checked: no database is needed.
COPY . .
# The caches keep crates and compiled dependencies between builds; a cache is not part of the image, hence the copy.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/usr/local/cargo/git \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin commissary && \
    cp target/release/commissary /usr/local/bin/commissary

FROM debian:12.14-slim
# For amqps:// and verify-full with certificates of public CAs; your own CA is named by its file.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/local/bin/commissary /usr/local/bin/commissary
WORKDIR /srv
COPY demo/catalog.toml demo/catalog.toml
# No name and no shell are needed, and nothing on disk belongs to it.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["commissary"]
CMD ["--help"]
