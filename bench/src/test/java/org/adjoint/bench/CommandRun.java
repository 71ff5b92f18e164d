package org.adjoint.bench;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.function.Consumer;
import picocli.CommandLine;

/** What a command line did: its exit status and what it printed. */
public record CommandRun(int status, String out, String err) {

    public static CommandRun of(String... arguments) {
        return of(commandLine -> {}, arguments);
    }

    /** After a change of the command line. */
    public static CommandRun of(Consumer<CommandLine> change, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = Adjoint.commandLine();
        change.accept(commandLine);
        int status = commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
        return new CommandRun(status, out.toString(), err.toString());
    }
}
