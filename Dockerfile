# One image for every command of Frostline. No stage names an architecture.
#
#   docker build --build-arg VERSION=0.1.0 --tag frostline:0.1.0 .
#   docker run --rm frostline:0.1.0 --help

# Any image with Python 3.11 or later as python3 and its venv module; both stages use the same one.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# pip and the build backend stay in a venv of their own, which does not go into the image.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --requirement requirements/build.txt \
    && python3 -m venv --without-pip /opt/frostline \
    && /opt/build/bin/pip --python /opt/frostline/bin/python3 install --no-compile \
        --require-hashes --only-binary :all: --requirement requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY operator operator
# Bytecode that is never checked against its source: nothing can be written at run time, and times in the image mean nothing.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/build/bin/pip --python /opt/frostline/bin/python3 install --no-compile --no-deps --no-index dist/*.whl \
    && /opt/frostline/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/frostline/lib

FROM ${PYTHON_IMAGE}
# A name for the number, since libraries ask whose process it is.
RUN echo 'frostline:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'frostline:x:65532:' >> /etc/group
COPY --from=build /opt/frostline /opt/frostline
ENV PATH=/opt/frostline/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Frostline" \
      org.opencontainers.image.description="Error budgets as Kubernetes resources" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["frostline"]
CMD ["operator"]
