# The grader in a container, which is the command `grader` in the folder that is mounted:
#     docker build --build-arg PIP_EXTRA_INDEX_URL=... -t grader .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/course" grader grade class --out results
# What a container forbids of the workers' confinement (its folder, as a rule) the grader says as it starts.
FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /opt/grader
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY grader ./grader
RUN pip install --no-cache-dir --constraint constraints.txt .
# No user of this number is there, and none need be, whatever number --user names.
ENV HOME=/tmp
USER 10001
WORKDIR /course
ENTRYPOINT ["grader"]
