/* Counts words: the event is a JSON string, the answer a JSON number.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */

#define _GNU_SOURCE /* strcasestr */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MOST (6 * 1024 * 1024 + 64 * 1024) /* bytes of an event and its headers */
#define API "/2018-06-01/runtime/invocation"

static char answer[MOST + 1];

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

/* Return a connection to the Runtime API, whose address is HOST:PORT. */
static int connected(void) {
    char host[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    int port;
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    if (api == NULL || sscanf(api, "%63[^:]:%d", host, &port) != 2 || !inet_aton(host, &address.sin_addr))
        give_up("AWS_LAMBDA_RUNTIME_API");
    address.sin_port = htons(port);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0)
        give_up("connect");
    return connection;
}

/* Send a request, and read its answer until the API closes the connection. */
static void ask(const char *method, const char *path, const char *body) {
    int connection = connected();
    dprintf(connection,
            "%s %s HTTP/1.1\r\nHost: lambda\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
            method, path, strlen(body), body);
    size_t length = 0;
    ssize_t got;
    while (length < MOST && (got = read(connection, answer + length, MOST - length)) > 0)
        length += got;
    answer[length] = '\0';
    close(connection);
}

/* Write the request's id, which a header of the answer has, to `id`. */
static void read_id(char id[64]) {
    const char *header = strcasestr(answer, "\r\nlambda-runtime-aws-request-id:");
    if (header == NULL || sscanf(strchr(header, ':') + 1, " %63[^\r]", id) != 1)
        give_up("no request id");
}

/* Count the words of a JSON string, in which a letter that is not ASCII may be \uXXXX. */
static int count_words(const char *text) {
    int words = 0, inside = 0;
    for (; *text != '\0'; text++) {
        int is_escape = *text == '\\';
        text += is_escape;
        int is_word = is_escape ? *text == 'u' : isalnum((unsigned char)*text) || (unsigned char)*text > 127;
        words += is_word && !inside;
        inside = is_word;
    }
    return words;
}

int main(void) {
    char id[64], path[160], said[128];
    for (;;) {
        ask("GET", API "/next", "");
        read_id(id);
        const char *event = strstr(answer, "\r\n\r\n") + 4;
        if (*event == '"') {
            int words = count_words(event);
            printf("request %s: %d words\n", id, words);
            snprintf(path, sizeof path, API "/%s/response", id);
            snprintf(said, sizeof said, "%d", words);
        } else {
            snprintf(path, sizeof path, API "/%s/error", id);
            snprintf(said, sizeof said, "{\"errorType\": \"NoText\", \"errorMessage\": \"the event is no text\"}");
        }
        fflush(stdout);
        ask("POST", path, said);
    }
}
