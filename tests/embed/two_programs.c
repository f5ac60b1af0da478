/* Runs two linked programs on made-up inputs and prints the bits of what they give: "mlp 3f800000 ...", "loop ...".
 *
 *   two_programs BATCH THREADS
 *
 * Ends with 1 where a status is not what it should be, with 3 where a compiler is in the process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop_2.h"
#include "mlp.h"

static void fill(float *x, int64_t count, int64_t salt) {
  for (int64_t i = 0; i < count; ++i) x[i] = (float)((i * 37 + salt) % 19 - 9) / 8.0f;
}

static void print_bits(const char *name, const float *x, int64_t count) {
  printf("%s", name);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &x[i], sizeof bits);
    printf(" %08x", bits);
  }
  printf("\n");
}

static int has_compiler(void) {
  char line[512];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "LLVM") != NULL;
  if (maps) fclose(maps);
  return found;
}

static void expect(int is_right, const char *what, const strata_message *message) {
  if (is_right) return;
  fprintf(stderr, "%s: %s\n", what, message->text);
  exit(1);
}

struct job {
  strata_mlp *mlp;
  int64_t batch;
  const float *x;
  float *y;
  strata_status status;
};

static void *work(void *given) {
  struct job *job = given;
  for (int i = 0; i < 20 && job->status == STRATA_OK; ++i)
    job->status = strata_mlp_run(job->mlp, job->batch, job->x, job->y, NULL);
  return NULL;
}

/* Several threads run one session, each with memory of its own. */
static void run_at_once(strata_mlp *mlp, int64_t batch, const float *x, const float *expected) {
  enum { kThreads = 4 };
  pthread_t threads[kThreads];
  struct job jobs[kThreads];
  for (int t = 0; t < kThreads; ++t) {
    jobs[t] = (struct job){mlp, batch, x, malloc((size_t)batch * 10 * sizeof(float)), STRATA_OK};
    if (pthread_create(&threads[t], NULL, work, &jobs[t])) exit(1);
  }
  for (int t = 0; t < kThreads; ++t) {
    pthread_join(threads[t], NULL);
    if (jobs[t].status != STRATA_OK || memcmp(jobs[t].y, expected, (size_t)batch * 10 * sizeof(float))) exit(1);
    free(jobs[t].y);
  }
}

static void try_wrong_calls(strata_mlp *mlp, int64_t batch, const float *x, float *y) {
  strata_message message;
  expect(strata_mlp_run(mlp, 65, x, y, &message) == STRATA_USER_ERROR && strstr(message.text, "E0111"), "B = 65", &message);
  expect(strata_mlp_run(mlp, -1, x, y, &message) == STRATA_USER_ERROR, "B = -1", &message);
  expect(strata_mlp_run(mlp, batch, NULL, y, &message) == STRATA_USER_ERROR && strstr(message.text, "input 0, f32[B,7], is NULL"),
         "NULL", &message);
  expect(strata_mlp_run(NULL, batch, x, y, &message) == STRATA_USER_ERROR, "no session", &message);
  const int64_t x_shape[] = {batch, 8}, right_shape[] = {batch, 7}, y_shape[] = {batch, 10}, other[] = {batch + 1, 10};
  strata_array input = {(void *)x, x_shape, 2, STRATA_F32}, output = {y, y_shape, 2, STRATA_F32};
  strata_session *session = (strata_session *)mlp;
  expect(strata_run(session, &input, 1, &output, 1, &message) == STRATA_USER_ERROR && strstr(message.text, "E0110"),
         "an axis of 8", &message);
  input.shape = right_shape;
  input.dtype = STRATA_F64;
  expect(strata_run(session, &input, 1, &output, 1, &message) == STRATA_USER_ERROR && strstr(message.text, "found dtype f64"),
         "f64", &message);
  input.dtype = (strata_dtype)99;
  expect(strata_run(session, &input, 1, &output, 1, &message) == STRATA_USER_ERROR, "no dtype", &message);
  input.dtype = STRATA_F32;
  output.shape = other;
  expect(strata_run(session, &input, 1, &output, 1, &message) == STRATA_USER_ERROR && strstr(message.text, "output 0 should be"),
         "an output of another shape", &message);
  expect(strata_run(session, &input, 2, &output, 1, &message) == STRATA_USER_ERROR, "two inputs", &message);
  expect(strata_run(session, &input, 1, &output, 1, NULL) == STRATA_USER_ERROR, "no message", &message);
  output.shape = y_shape;
  expect(strata_run(session, &input, 1, &output, 1, &message) == STRATA_OK && !message.text[0], "the right call", &message);
}

int main(int count, char **words) {
  if (count != 3) return 1;
  if (has_compiler()) return 3;
  const int64_t batch = atoll(words[1]);
  strata_message message;
  expect(strata_set_threads(atoi(words[2]), &message) == STRATA_OK, "threads", &message);
  expect(strata_set_threads(100000, &message) == STRATA_USER_ERROR, "too many threads", &message);

  strata_mlp *mlp = NULL;
  expect(strata_mlp_create(&mlp, &message) == STRATA_OK, "create", &message);
  if (strcmp(strata_symbol((strata_session *)mlp, 0), "B") || strata_symbol((strata_session *)mlp, 1)) return 1;
  const int64_t elements = strata_output_elements((strata_session *)mlp, &batch, 1, 0);
  if (elements != batch * 10 || strata_output_elements((strata_session *)mlp, &batch, 1, 1) != -1) return 1;
  float *x = malloc((size_t)(batch * 7 + 1) * sizeof(float)), *y = malloc((size_t)(elements + 1) * sizeof(float));
  fill(x, batch * 7, 1);
  expect(strata_mlp_run(mlp, batch, x, y, &message) == STRATA_OK, "run", &message);
  print_bits("mlp", y, elements);
  run_at_once(mlp, batch, x, y);
  try_wrong_calls(mlp, batch, x, y);

  strata_loop_2 *loop = NULL;
  expect(strata_loop_2_create(&loop, &message) == STRATA_OK, "create", &message);
  float steps[5 * 16], weights[16 * 16], start[16], last[16];
  fill(steps, 5 * 16, 2);
  fill(weights, 16 * 16, 3);
  fill(start, 16, 4);
  expect(strata_loop_2_run(loop, steps, weights, start, last, &message) == STRATA_OK, "loop", &message);
  print_bits("loop", last, 16);
  strata_loop_2_destroy(loop);
  strata_mlp_destroy(mlp);
  strata_mlp_destroy(NULL);
  free(x);
  free(y);
  return 0;
}
