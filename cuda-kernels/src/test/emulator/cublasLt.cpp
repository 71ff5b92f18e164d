extern "C" unsigned long cublasLtGetVersion() { return EMULATOR_CUBLAS_VERSION; }
