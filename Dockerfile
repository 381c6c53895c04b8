# The grader in a container that runs the command `grader` in the mounted folder:
#     docker build --build-arg PIP_EXTRA_INDEX_URL=... -t grader .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/course" grader grade class --out results
# The grader reports at its start which layers of confinement the container forbids (usually `folder`).
FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /opt/grader
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY grader ./grader
RUN pip install --no-cache-dir --constraint constraints.txt .
# No user has this number, and none needs to exist for any number given with --user.
ENV HOME=/tmp
USER 10001
WORKDIR /course
ENTRYPOINT ["grader"]
