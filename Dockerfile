# The tap as a native binary on a base without shell or package manager, as a user without rights.
#   docker build -t otlptap .
#   docker run -p 4317:4317 -p 4318:4318 -p 127.0.0.1:8888:8888 -v otlptap:/var/lib/otlptap otlptap
# The configuration is /etc/otlptap/config.yaml (config/container.yaml of this repository); mount your own over it.

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
# The native compiler links with clang and zlib.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends clang zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source

# Packages first: they change less often than the code.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/OtlpTap/OtlpTap.csproj src/OtlpTap/packages.lock.json src/OtlpTap/
COPY src/OpenTelemetry.Proto/OpenTelemetry.Proto.csproj src/OpenTelemetry.Proto/packages.lock.json src/OpenTelemetry.Proto/
RUN dotnet restore src/OtlpTap --use-current-runtime -p:PublishAot=true

COPY .editorconfig ./
COPY config config
COPY src/OpenTelemetry.Proto src/OpenTelemetry.Proto
COPY src/OtlpTap src/OtlpTap
RUN dotnet publish src/OtlpTap --configuration Release --use-current-runtime -p:PublishAot=true --output /publish \
    && mkdir -p /data/cases

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
COPY --from=build /publish/otlptap /usr/bin/otlptap
COPY config/container.yaml /etc/otlptap/config.yaml
# The chiseled image's own unprivileged user must be able to write cases and the spool; a new volume takes over whose they are.
COPY --from=build --chown=1654:1654 /data /var/lib/otlptap
USER 1654
WORKDIR /var/lib/otlptap
EXPOSE 4317 4318 8888
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["/usr/bin/otlptap", "health"]
ENTRYPOINT ["/usr/bin/otlptap"]
CMD ["--config", "/etc/otlptap/config.yaml"]
