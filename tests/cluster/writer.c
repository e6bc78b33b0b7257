/* Writes numbered lines: writer COUNT LINES_PER_S LINE_BYTES
 *
 * COUNT 0: until SIGTERM, upon which the last line is `end` and how many there were before it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t is_ending;

static void end(int number) {
  (void)number;
  is_ending = 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words) {
  static char output[1 << 16];
  static const struct timespec pause = {0, 1000000};
  long most = count == 4 ? atol(words[1]) : 0, written = 0;
  double rate = count == 4 ? atof(words[2]) : 0, began = now();
  size_t width = count == 4 ? (size_t)atol(words[3]) : 0;
  char *filler = calloc(width + 1, 1);

  if (rate <= 0 || width < 12 || !filler)
    return 2;
  memset(filler, 'x', width - 12);
  signal(SIGTERM, end);
  setvbuf(stdout, output, _IOFBF, sizeof output);
  while (!is_ending && (most == 0 || written < most)) {
    long due = (long)((now() - began) * rate);
    for (; written < due && (most == 0 || written < most); written++)
      printf("%010ld %s\n", written, filler);
    fflush(stdout);
    nanosleep(&pause, NULL);
  }
  if (is_ending)
    printf("end %ld\n", written);
  return 0;
}
