package org.adjoint.bench.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.adjoint.bench.CommandRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "bench gem                   | unknown suite 'gem', did you mean 'gemm'? (see adjoint bench --help)",
        "bench step x                | unknown suite 'x', one of gemm, elementwise, reductions, softmax, layerNorm, "
            + "crossEntropy, attention, convolution, step (see adjoint bench --help)",
        "bench gemm --threads 0      | --threads must be at least 1 but is 0 (see adjoint bench --help)",
        "bench gemm --device gpu     | --device must be cpu, cuda or cuda:1 and so on but is gpu "
            + "(see adjoint bench --help)",
        "bench gemm --quik           | unknown option '--quik', did you mean '--quick'? (see adjoint bench --help)",
        "bench step --peers openblas | --peers: openblas can't do this, but pytorch can (see adjoint bench --help)",
        "bench gemm --peers openbals | Invalid value for option '--peers' (NAME): unknown peer 'openbals', "
            + "did you mean 'openblas'? (see adjoint bench --help)",
        "bench gemm --peers x        | Invalid value for option '--peers' (NAME): unknown peer 'x', "
            + "one of mkl, openblas, pytorch (see adjoint bench --help)",
    })
    void badUsageIsToldInOneLine(String arguments, String message) {
        CommandRun run = CommandRun.of(arguments.split(" "));
        assertEquals(2, run.status());
        assertEquals("error: " + message, run.err().strip());
    }

    @Test
    void resultsThatCouldNotBeWrittenAreRefusedBeforeTheWork(@TempDir Path folder) {
        CommandRun run = CommandRun.of("bench", "gemm", "--json", folder.toString());
        assertEquals(1, run.status());
        assertTrue(run.err().startsWith("error: '" + folder + "' is a folder"), run::err);
    }
}
