package org.adjoint.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class AdjointTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(String... arguments) {
        CommandLine commandLine = Adjoint.commandLine();
        commandLine.addSubcommand("fail", new Fail());
        return commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
    }

    @Test
    void helpWorks() {
        assertEquals(0, execute("--help"));
        assertTrue(out.toString().contains("Exit status:"), out::toString);
        assertEquals("", err.toString());
    }

    @Test
    void versionNamesTheProgramAndJava() {
        assertEquals(0, execute("--version"));
        assertTrue(out.toString().startsWith("adjoint "), out::toString);
        assertTrue(out.toString().contains("Java " + Runtime.version()), out::toString);
    }

    @Test
    void aMissingCommandIsBadUsage() {
        assertEquals(2, execute());
        assertTrue(err.toString().matches("(?s)error: a command is missing, one of .*fail, .*help, .*"), err::toString);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--hepl              | unknown option '--hepl', did you mean '--help'? (see adjoint --help)",
        "fial                | unknown command 'fial', did you mean 'fail'? (see adjoint --help)",
        "zzzzzzzz            | unknown command 'zzzzzzzz' (see adjoint --help)",
        "fail --stpes=3      | unknown option '--stpes', did you mean '--steps'? (see adjoint fail --help)",
        "fail --steps=a      | Invalid value for option '--steps': 'a' is not an int (see adjoint fail --help)",
        "fail surplus        | unknown argument 'surplus' (see adjoint fail --help)",
    })
    void badUsageIsToldInOneLine(String arguments, String message) {
        assertEquals(2, execute(arguments.split(" ")));
        assertEquals("error: " + message, err.toString().strip());
    }

    @Test
    void aFailureIsToldInOneLine() {
        assertEquals(1, execute("fail"));
        assertEquals("error: no such file or folder: missing.txt", err.toString().strip());
    }

    @Test
    void aFailureWithoutMessageNamesItsKind() {
        assertEquals("ArithmeticException", Failure.describe(new ArithmeticException()));
        assertEquals("disk full", Failure.describe(new UncheckedIOException(new IOException("disk full"))));
    }

    @Command(name = "fail")
    private static final class Fail implements Runnable {
        @Option(names = "--steps")
        private int steps;

        @Override
        public void run() {
            throw new UncheckedIOException(new NoSuchFileException(steps == 0 ? "missing.txt" : "other.txt"));
        }
    }
}
