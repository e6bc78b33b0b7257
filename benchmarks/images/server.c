/* The least that can answer an HTTP request: what all start-up times are compared with. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void stop(int number) {
  (void)number;
  _exit(0);
}

int main(void) {
  static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(8080)};
  char request[4096];
  int server = socket(AF_INET, SOCK_STREAM, 0);

  signal(SIGTERM, stop);
  if (bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 64))
    return 1;
  for (;;) {
    int client = accept(server, NULL, NULL);
    if (read(client, request, sizeof request) > 0)
      (void)!write(client, answer, sizeof answer - 1);
    close(client);
  }
}
