#include "rewrite.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

namespace emulator {
namespace {

struct Token {
    std::string text;
    size_t begin;
    size_t end;
    std::string file;
    int line;
};

bool is_word(char c) { return std::isalnum((unsigned char) c) || c == '_' || c == '$'; }

class Rewriter {
public:
    Rewriter(const std::string& text, const std::string& folder) : text(text), folder(folder) {}

    std::string run() {
        tokenize();
        for (size_t i = 0; i < tokens.size(); i++) {
            if (tokens[i].text == "__shared__") {
                shared(i);
            } else if (tokens[i].text == "__device__" || tokens[i].text == "__global__") {
                function(i);
            }
        }
        return result();
    }

private:
    const std::string& text;
    const std::string& folder;
    std::vector<Token> tokens;
    // replacements of [first, second.first) by second.second, by their beginning
    std::map<size_t, std::pair<size_t, std::string>> edits;
    std::vector<std::string> functions;
    std::set<size_t> bodies;

    void tokenize() {
        std::string file = "?";
        int line = 1;
        bool line_start = true;
        for (size_t i = 0; i < text.size();) {
            char c = text[i];
            if (c == '\n') {
                line++;
                line_start = true;
                i++;
            } else if (std::isspace((unsigned char) c)) {
                i++;
            } else if (c == '#' && line_start) {
                size_t end = text.find('\n', i);
                end = end == std::string::npos ? text.size() : end;
                marker(i, end, file, line);
                i = end;
            } else {
                size_t begin = i;
                i = token_end(begin);
                tokens.push_back({text.substr(begin, i - begin), begin, i, file, line});
                line_start = false;
            }
        }
    }

    // # 12 "file" flags; the line break that follows counts one.
    void marker(size_t begin, size_t end, std::string& file, int& line) {
        size_t digit = text.find_first_not_of("# ", begin);
        size_t open = text.find('"', begin);
        if (digit >= end || !std::isdigit((unsigned char) text[digit]) || open >= end) {
            return;  // #pragma
        }
        size_t close = text.find('"', open + 1);
        line = std::atoi(text.c_str() + digit) - 1;
        file = text.substr(open + 1, close - open - 1);
        if (file.compare(0, folder.size(), folder) == 0) {
            edits[open + 1] = {open + 1 + folder.size(), ""};
            file = file.substr(folder.size());
        }
    }

    size_t token_end(size_t i) const {
        char c = text[i];
        if (is_word(c)) {
            while (i < text.size() && is_word(text[i])) {
                i++;
            }
            return i;
        }
        if (c == '"' || c == '\'') {
            for (i++; i < text.size() && text[i] != c; i++) {
                i += text[i] == '\\';
            }
            return i + 1;
        }
        return text.compare(i, 2, "::") == 0 || text.compare(i, 2, "->") == 0 ? i + 2 : i + 1;
    }

    bool at(size_t i, const char* word) const { return i < tokens.size() && tokens[i].text == word; }

    // The bracket that closes the one at i.
    size_t matching(size_t i) const {
        int depth = 0;
        for (; i < tokens.size(); i++) {
            const std::string& t = tokens[i].text;
            depth += t == "(" || t == "[" || t == "{";
            depth -= t == ")" || t == "]" || t == "}";
            if (depth == 0) {
                return i;
            }
        }
        return tokens.size();
    }

    // The first token of the declaration that i belongs to.
    size_t declaration(size_t i) const {
        while (i > 0 && !at(i - 1, ";") && !at(i - 1, "{") && !at(i - 1, "}")) {
            i--;
        }
        return i;
    }

    bool contains(size_t begin, size_t end, const char* word) const {
        for (; begin < end; begin++) {
            if (at(begin, word)) {
                return true;
            }
        }
        return false;
    }

    std::string joined(size_t begin, size_t end) const {
        std::string s;
        for (; begin < end; begin++) {
            s += (s.empty() ? "" : " ") + tokens[begin].text;
        }
        return s;
    }

    void shared(size_t keyword) {
        size_t begin = keyword;
        bool dynamic = false;
        while (begin > 0 && (at(begin - 1, "extern") || at(begin - 1, "static"))) {
            begin--;
            dynamic |= at(begin, "extern");
        }
        size_t end = keyword;
        while (end < tokens.size() && !at(end, ";")) {
            end = at(end, "(") || at(end, "[") || at(end, "{") ? matching(end) + 1 : end + 1;
        }
        size_t name = declared(keyword + 1, end);
        size_t type = keyword + 1;
        std::string alignment;
        while (at(type, "__align__") || at(type, "alignas")) {
            size_t close = matching(type + 1);
            alignment = joined(type + 2, close);
            type = close + 1;
        }
        std::string element = "(" + joined(type, name) + ")";
        std::string code;
        if (dynamic) {
            code = "EMULATOR_DYNAMIC(" + element + ", " + tokens[name].text + ");";
        }
        while (!dynamic && name < end) {
            size_t comma = name;
            while (comma < end && !at(comma, ",")) {
                comma = at(comma, "[") ? matching(comma) + 1 : comma + 1;
            }
            code += (alignment.empty() ? "EMULATOR_SHARED(" : "EMULATOR_SHARED_ALIGNED(" + alignment + ", ")
                + element + ", " + tokens[name].text + ", " + joined(name + 1, comma) + "); ";
            name = comma + 1;
        }
        if (end < tokens.size()) {
            // The declaration's line breaks stay, so that what follows keeps its line.
            for (size_t i = tokens[begin].begin; i < tokens[end].end; i++) {
                code += text[i] == '\n' ? "\n" : "";
            }
            edits[tokens[begin].begin] = {tokens[end].end, code};
        }
    }

    // The name in a declaration: the word before its first bracket, comma or end.
    size_t declared(size_t begin, size_t end) const {
        int angle = 0;
        for (size_t i = begin; i < end; i++) {
            if (at(i, "(")) {
                i = matching(i);
            } else if (at(i, "<") || at(i, ">")) {
                angle += at(i, "<") ? 1 : -1;
            } else if (angle == 0 && (at(i, "[") || at(i, ","))) {
                return i - 1;
            }
        }
        return end - 1;
    }

    // The first argument of __launch_bounds__, if there is one.
    std::string bounds(size_t begin, size_t end) const {
        for (size_t i = begin; i < end; i++) {
            if (at(i, "__launch_bounds__")) {
                size_t close = matching(i + 1);
                size_t comma = i + 2;
                while (comma < close && !at(comma, ",")) {
                    comma = at(comma, "(") ? matching(comma) + 1 : comma + 1;
                }
                return joined(i + 2, comma);
            }
        }
        return "";
    }

    void function(size_t keyword) {
        size_t begin = declaration(keyword);
        size_t i = keyword + 1;
        std::string name;
        for (; i < tokens.size(); i++) {
            if (at(i, "__launch_bounds__") || at(i, "__attribute__") || at(i, "__align__") || at(i, "alignas")
                || at(i, "decltype")) {
                i = matching(i + 1);
            } else if (at(i, "operator")) {
                size_t open = i + 1;
                open += at(open, "(") ? 2 : 1;
                while (open < tokens.size() && !at(open, "(")) {
                    open++;
                }
                name = joined(i, open);
                i = open;
                break;
            } else if (at(i, "(")) {
                name = tokens[i - 1].text;
                break;
            } else if (at(i, ";") || at(i, "=") || at(i, "{") || at(i, "[")) {
                return;  // a variable
            }
        }
        int line = i < tokens.size() ? tokens[i].line : 0;
        size_t body = matching(i) + 1;
        while (body < tokens.size() && !at(body, "{") && !at(body, ";")) {
            body = at(body, "(") ? matching(body) + 1 : body + 1;
        }
        if (!at(body, "{") || contains(begin, body, "constexpr") || !bodies.insert(body).second) {
            return;
        }
        bool kernel = contains(begin, body, "__global__");
        std::string place = tokens[keyword].file + ":" + std::to_string(line);
        name = (kernel ? "kernel " : "") + name;
        edits[tokens[body].end] = {tokens[body].end, " EMULATOR_ENTER(\"" + place + "\", \"" + name + "\"); "};
        functions.push_back(place + ":" + name);
        if (kernel && contains(begin, keyword, "\"C\"")) {
            std::string symbol = tokens[i - 1].text;
            std::string bound = bounds(begin, i);
            size_t end = tokens[std::min(matching(body), tokens.size() - 1)].end;
            edits[end] = {end, bound.empty() ? " EMULATOR_KERNEL(" + symbol + ")"
                : " EMULATOR_KERNEL_BOUNDED(" + symbol + ", " + bound + ")"};
        }
    }

    std::string result() const {
        std::string out;
        size_t from = 0;
        for (const auto& [begin, edit] : edits) {
            out.append(text, from, begin - from);
            out += edit.second;
            from = edit.first;
        }
        out.append(text, from, std::string::npos);
        out += "\n";
        out += "extern \"C\" EMULATOR_VISIBLE const char* const emulator_declared[];\n"
            "const char* const emulator_declared[] = {";
        for (const std::string& function : functions) {
            out += "\"" + function + "\", ";
        }
        return out + "nullptr};\nEMULATOR_MODULE\n";
    }
};

}  // namespace

std::string rewrite(const std::string& preprocessed, const std::string& folder) {
    return Rewriter(preprocessed, folder).run();
}

}  // namespace emulator
