/* Programs of Strata within programs in C, C++, Rust, Go or whatever calls C: what `strata compile --object` writes is
 * run by these functions, without a compiler in the process. The header that it writes beside the object has functions of
 * the program's own on top of them, with the names and types of its inputs and outputs.
 *
 *   cc main.c mlp.o -I PREFIX/include -L PREFIX/lib -lstrata_c -lfmt -lxxhash -lnettle -lstdc++ -lm -pthread
 *
 * C99. Every function may be called from any thread; several threads may run one session at once.
 */
#ifndef STRATA_EMBED_H
#define STRATA_EMBED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a call. The caller can mend the first kind of error: a wrong shape, a missing pointer. */
typedef enum strata_status {
  STRATA_OK = 0,
  STRATA_USER_ERROR = 1,
  STRATA_ENVIRONMENT_ERROR = 2, /* no memory, a CPU that lacks the instructions */
  STRATA_INTERNAL_ERROR = 3     /* a fault of Strata's */
} strata_status;

/* Where a call says what is wrong, cut to the room that there is. May be NULL in every call. Empty after STRATA_OK. */
typedef struct strata_message {
  char text[1024];
} strata_message;

/* Element types in the order of Strata's own. Half floats are uint16_t, bool is a uint8_t of 0 or 1. */
typedef enum strata_dtype {
  STRATA_F64,
  STRATA_F32,
  STRATA_F16,
  STRATA_BF16,
  STRATA_I8,
  STRATA_I16,
  STRATA_I32,
  STRATA_I64,
  STRATA_U8,
  STRATA_U16,
  STRATA_U32,
  STRATA_U64,
  STRATA_BOOL
} strata_dtype;

/* Elements in row-major order, aligned as their type is. The caller's memory, which is not kept. */
typedef struct strata_array {
  void* data;
  const int64_t* shape; /* `rank` extents; may be NULL where the rank is 0 */
  int32_t rank;
  strata_dtype dtype;
} strata_array;

/* What an object file holds; its fields are no one's business but the library's. */
typedef struct strata_program strata_program;

/* A program that is ready to run, with its embedded weights in the form in which its kernels read them. */
typedef struct strata_session strata_session;

/* Makes a session. STRATA_USER_ERROR for an object of another build of Strata, STRATA_ENVIRONMENT_ERROR for a CPU that
 * lacks the object's instructions. */
strata_status strata_create(const strata_program* program, strata_session** session, strata_message* message);

/* Runs it on the inputs, in the order of the program's parameters without those whose weights are embedded, and writes the
 * outputs, whose memory the caller brings and which share none with the inputs. STRATA_USER_ERROR, before anything is
 * written, for a number, a type or a shape that is not the program's, for an extent that its facts refuse and for a check
 * of the program that fails. */
strata_status strata_run(strata_session* session, const strata_array* inputs, int32_t input_count,
                         const strata_array* outputs, int32_t output_count, strata_message* message);

/* The same for callers that know the types: `sizes` are the extents of the program's symbols, in the order of
 * strata_symbol(), and the shapes follow from them. */
strata_status strata_run_sizes(strata_session* session, const int64_t* sizes, int32_t size_count,
                               const void* const* inputs, int32_t input_count, void* const* outputs,
                               int32_t output_count, strata_message* message);

/* How many elements an output has for these sizes; -1 where they or the output's number are wrong. */
int64_t strata_output_elements(const strata_session* session, const int64_t* sizes, int32_t size_count, int32_t output);

/* The name of a symbol, "B"; NULL behind the last. It lives as long as the session. */
const char* strata_symbol(const strata_session* session, int32_t number);

/* Gives back a session and all its memory; NULL is fine. No call may be using it. */
void strata_destroy(strata_session* session);

/* How many threads the runs of this process share; 0: as many as it has CPUs. Not while a run is going on. */
strata_status strata_set_threads(int32_t threads, strata_message* message);

#ifdef __cplusplus
}
#endif
#endif
