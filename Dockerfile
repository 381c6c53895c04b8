# The grader in a container:
#     docker build --build-arg PIP_EXTRA_INDEX_URL=... -t grader .
#     docker run --rm -v "$PWD/class:/class:ro" -v "$PWD/results:/results" grader grade /class --out /results
# What a container forbids of the workers' confinement (its folder, as a rule) the grader says as it starts.
FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /opt/grader
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY grader ./grader
RUN pip install --no-cache-dir --constraint constraints.txt . \
    && useradd --create-home --uid 10001 grader
USER 10001
WORKDIR /home/grader
ENTRYPOINT ["grader"]
