package org.adjoint.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.adjoint.contract.OpResult;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class GradcheckCommandTest {

    @TempDir
    private Path folder;

    @Test
    void aRowForEachOperationAndTypeAndTheSameAsJson() throws IOException {
        Path json = folder.resolve("gradcheck.json");
        CommandRun run = CommandRun.of("gradcheck", "--op", "tanh,add", "--dtype", "f32,f64", "--device", "reference",
                "--json", json.toString());
        assertEquals(0, run.status(), run::err);
        List<String> lines = run.out().lines().toList();
        assertTrue(lines.get(1).matches("operation  dtype  samples  refusals  worst relative error  verdict"), run::out);
        String row = ".* f(32|64) +\\d+ +\\d+ +\\d\\.\\d\\de[-+]\\d\\d  passed";
        assertEquals(4, lines.stream().filter(line -> line.matches(row)).count(), run::out);
        assertTrue(lines.getLast().matches("2 operations, \\d+ samples, \\d+ inputs that must be refused: all passed"),
                run::out);

        Map<String, Object> results = Json.readObject(json);
        assertEquals(true, results.get("passed"));
        List<?> ops = (List<?>) results.get("ops");
        assertEquals(4, ops.size());
        for (Object op : ops) {
            Map<?, ?> fields = (Map<?, ?>) op;
            assertEquals(List.of("op", "dtype", "samples", "refusals", "worstRelativeError", "passed"),
                    List.copyOf(fields.keySet()));
            assertTrue(List.of("tanh", "add").contains(fields.get("op")));
            assertTrue((Long) fields.get("samples") > 0);
            assertEquals(true, fields.get("passed"));
        }
    }

    @Test
    void aWrongOperationIsToldAndIsAFailure() throws IOException {
        Path json = folder.resolve("gradcheck.json");
        GradcheckCommand command = new GradcheckCommand((suite, progress) -> {
            List<OpResult> results = List.of(
                    new OpResult("tanh", DType.F32, 7, 3, 1e-8, true, ""),
                    new OpResult("tanh", DType.F64, 7, 3, 0.5, false, "tanh of 1.0: analytic 1.0, numeric 0.5"));
            results.forEach(progress);
            return results;
        });
        StringWriter out = new StringWriter();
        int status = new CommandLine(command).setOut(new PrintWriter(out))
                .execute("--device", "reference", "--json", json.toString());
        assertEquals(1, status);
        assertTrue(out.toString().contains("5.00e-01  FAILED"), out::toString);
        assertTrue(out.toString().contains("tanh f64: tanh of 1.0: analytic 1.0, numeric 0.5"), out::toString);
        assertTrue(out.toString().contains("1 operation, 14 samples, 6 inputs that must be refused: 1 of 2 rows failed"),
            out::toString);
        assertEquals(false, Json.readObject(json).get("passed"));
    }

    @Test
    void randomPrograms() throws IOException {
        Path json = folder.resolve("programs.json");
        CommandRun run = CommandRun.of("gradcheck", "--programs", "5", "--seed", "3", "--device", "reference", "--json",
                json.toString());
        assertEquals(0, run.status(), run::err);
        assertTrue(run.out().matches("(?s).*5 programs, \\d+ operations, \\d of them differentiated: all agree\\R"),
                run::out);
        assertEquals(5L, Json.readObject(json).get("programs"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--op sofmax           | unknown operation 'sofmax', did you mean 'softmax'?",
        "--dtype f33           | --dtype: unknown dtype 'f33': one of bool, u8, i32, i64, f16, bf16, f32, f64",
        "--op tanh --dtype i32 | tanh can't be tested in i32",
        "--programs 0          | --programs must be at least 1 but is 0",
        "--programs 1 --op add | --programs draws operations and types itself: leave out --op",
        "--device cup          | unknown device 'cup', did you mean 'cpu'?",
        "--josn x              | unknown option '--josn', did you mean '--json'?",
    })
    void badUsageIsToldInOneLine(String arguments, String message) {
        CommandRun run = CommandRun.of(("gradcheck " + arguments).split(" "));
        assertEquals(2, run.status());
        assertEquals("error: " + message + " (see adjoint gradcheck --help)", run.err().strip());
    }

    @Test
    void resultsThatCouldNotBeWrittenAreRefusedBeforeTheWork() {
        CommandRun run = CommandRun.of("gradcheck", "--op", "tanh", "--json", folder.toString());
        assertEquals(1, run.status());
        assertEquals("", run.out());
        assertTrue(run.err().startsWith("error: '" + folder + "' is a folder"), run::err);
    }
}
