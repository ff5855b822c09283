// C code that crashes, sleeps, and calls back into Go from several places.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "_cgo_export.h"

int depth;
static int values[] = {3, 1, 2};

__attribute__((noinline)) int crash_deep(int n, int *p) {
	if (n == 0)
		return *p + 1;
	return crash_deep(n - 1, p) + n;
}

__attribute__((noinline)) void outer(int n) {
	goWork(n + 1);
	depth++;
}

__attribute__((noinline)) void call_back(int n) {
	outer(n * 2);
	depth++;
}

static int compare(const void *a, const void *b) { return goCompare((void *)a, (void *)b) + (depth & 0); }

void sort_values(void) {
	qsort(values, 3, sizeof values[0], compare);
	depth++;
}

static void *threaded(void *arg) {
	outer(100);
	return arg;
}

void in_thread(void) {
	pthread_t thread;
	pthread_create(&thread, 0, threaded, 0);
	pthread_join(thread, 0);
	depth++;
}

static void *sleeper(void *arg) {
	sleep(1000);
	return arg;
}

// A thread that never meets Go, nor any signal.
void bare_thread(void) {
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&thread, 0, sleeper, 0);
	pthread_sigmask(SIG_SETMASK, &before, 0);
	depth++;
}

void doze(void) {
	sleep(1000);
	depth++;
}

void die(void) {
	abort();
}
