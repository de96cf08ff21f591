// Prints what java.util.regex makes of a few thousand patterns: the table that
// TestAgainstJava compares Compile with. Run it with
//
//     java Matches.java > matches.tsv
//
// The first line holds the inputs, the others a pattern and one digit per input
// (1: Matcher.matches), or the word "error". Characters outside of printable
// ASCII, and the backslash, are written as \\uXXXX in inputs.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

public class Matches {
    static final int RANDOM_PATTERNS = 2600;
    static final Random random = new Random(20261122);

    static final String[] INPUTS = {
        "", "a", "b", "A", "B", "z", "0", "7", ".", "-", "_", "aa", "ab", "ba", "aB", "Ab", "a.b", "a-b", "a_b",
        "abc", "aaa", "a1", "1a", "orders", "Orders", "ORDERS", "orders.eu", "orders-eu-1", "orders_dlq", "order",
        "my-topic", "my-topic-2", "__consumer_offsets", "app.v1.events", "app.v2.events.dlq", "t-0", "t-10", "0042",
        // From here on no topic can be called that.
        " ", "\t", "\n", "\r", "\u000B", "\u0085", "\u2028", "\u00A0", "a\n", "a b", "\u00E9", "\u00C9", "\u212A", "\u017F",
        "[", "]", "{", "}", "&", "^", "+", "\\", "\uD83D\uDE00", "\u03B1",
    };

    static final String[] BY_HAND = {
        "", "|", "a|", "|a", "()", "(|a)", "a||b", "orders", "orders.*", "orders.+", "(?:orders|my)-.*", "^orders$",
        "\\Aorders\\z", "orders\\Z", ".*", ".+?", "(.*)", "[a-z]+", "[^a-z]+", "[a-zA-Z0-9._-]+", "[-a]+", "[a-]+", "[]a]+",
        "[^]a]+", "[a^]+", "[&a]+", "[a&]+", "[a&b]+", "[a&&b]", "[a-z&&[^b]]+", "[a[b]]+", "[[a]]", "[", "[a", "[]", "[^]",
        "[b-a]", "[a-\\d]", "[\\d-z]+", "[\\w.-]+", "[\\W]+", "[^\\W]+", "[^\\d.]+", "[\\s\\S]+", "[\\D\\d]+", "[\\h]+", "[\\H]+",
        "[\\v]", "[\\v-\\x20]+", "[\\v-]+", "[\\b]", "[\\B]", "[\\R]", "[\\z]", "[\\1]", "[\\Qa-c\\E]+", "[\\Q]\\E]+", "[a\\]b]+",
        "[\\p{Lower}.]+", "[\\P{Lower}]+", "[^\\p{Lower}]+", "[^\\P{Lower}]+", "[\\pL]+", "[\\PL]+", "[^\\p{L}\\p{Nd}]+",
        "\\d+", "\\D+", "\\w+", "\\W+", "\\s", "\\S+", "\\h", "\\H+", "\\v", "\\V+", "\\R", "\\R+", "a\\R",
        "\\p{Alpha}+", "\\p{Lower}+", "\\p{Upper}+", "\\p{Alnum}+", "\\p{Digit}+", "\\p{Punct}+", "\\p{Graph}+", "\\p{Print}+",
        "\\p{Blank}", "\\p{Cntrl}", "\\p{XDigit}+", "\\p{Space}", "\\p{ASCII}+", "\\p{IsAlphabetic}+", "\\p{IsLatin}+", "\\p{isLatin}+",
        "\\p{IsLowercase}+", "\\p{IsUppercase}+", "\\p{IsDigit}+", "\\p{IsWhite_Space}", "\\p{IsPunctuation}+", "\\p{L}+", "\\pN+",
        "\\p{Lu}+", "\\p{IsLu}+", "\\P{Lu}+", "\\p{LC}+", "\\p{javaLowerCase}+", "\\p{javaUpperCase}+", "\\p{javaLetterOrDigit}+",
        "\\p{javaWhitespace}", "\\p{gc=Lu}+", "\\p{script=Latin}+", "\\p{sc=Greek}", "\\p{general_category=Nd}+", "\\p{Greek}",
        "\\p{InGreek}", "\\p{}", "\\p", "\\p{", "\\p{Nope}", "\\p{IsNope}", "\\p{foo=bar}",
        "(?i)orders", "(?i)[a-c]+", "(?i)[^a-c]+", "(?i:a)b", "a(?i)b|b", "(?i)\\p{Lower}+", "(?i)\\P{Lower}+", "(?i)[\\P{Lower}]+",
        "(?i)\\p{Lu}+", "(?i)\\P{Lu}+", "(?i)[\\P{Lu}]+", "(?i)\u00E9", "(?i)k", "(?i)s", "(?i)[j-l]", "(?-i)a", "(?i)a(?-i)b", "((?i)a)b",
        "(?s).", "(?s:.)", "(?s).+", "(?m)^a$", "(?ims)A.", "(?i-s)A", "(?-)a", "(?)a", "(?i-)A", "(?x)a b", "(?d).", "(?u)a", "(?U)\\w", "(?z)a",
        "(?i", "(?i-s-m)a", "(?i)*", "(?i)+a", "(?", "(?P<n>a)", "(?#x)a",
        "(?<n>a)b", "(?<n>a)(?<n>b)", "(?<n1>a)(?<N1>b)", "(?<1n>a)", "(?<>a)", "(?<n", "(?<n.>a)",
        "(?=a)a", "(?!b)a", "(?<=a)b", "(?<!a)b", "(?>a)b", "(a)\\1", "(?<n>a)\\k<n>", "\\1", "\\8", "\\k", "\\G", "\\Ga", "\\X", "\\X+",
        "\\N{LATIN SMALL LETTER A}", "\\N", "\\b{g}a", "\\ba", "\\bab\\b", "a\\Bb", "\\B", "\\b{2}a", "\\b*a", "^*a", "a$*", "a$?", "\\Z*", "^+a", "^{2}a",
        "a*+", "a++", "a?+", "a{2}+", "a{1,2}+b", "a*?", "a+?", "a??", "a{2}?", "a**", "a*{2}", "a{2}*", "a{2}{2}", "a{2}??", "a???", "a+*",
        "a{2}", "a{2,}", "a{1,2}", "a{0}", "a{0,0}", "a{,2}", "a{", "a{x}", "a{2", "a{2,", "a{2,1}", "a{2,x}", "a{ 2}", "{", "{2}", "{2}a", "a|{2}", "{}", "{a}",
        "}", "]", "a}", "a]", "a{1000}", "a{1001}", "a{0,1001}", "a{99999999999}", "(a{100}){100}", "(?:a{0,30}){0,30}", "*", "+", "?", "*a", "a|*", "(*)", "(?:+)",
        "(", ")", "a)", "(a", "((a)", "(a))", "a(b)c", "(a)(b)", "(a|b)+", "((a|b)*)*", "(a*)*", "(a*)+", "(?:a?){3}", "(?:a|ab)(?:c|bcd)?",
        "\\Qa.b\\E", "\\Qa.b", "\\Qa\\E+", "\\Qab\\E+", "\\Q\\E", "a\\Q\\E*", "\\Q*\\E", "\\Q(\\E", "\\E", "a\\E", "\\Qa\\E\\Qb\\E", "\\\\Qa", "\\Q\\\\E", "\\Q[\\E", "\\Q{2}\\E",
        "\\x61", "\\x6", "\\x", "\\xg1", "\\x{61}", "\\x{000061}+", "\\x{}", "\\x{110000}", "\\x{61", "\\x{1F600}", "\\u0061", "\\u006", "\\uD83D\\uDE00",
        "\\uD83D", "\\uD83Da", "\\0141", "\\0141+", "\\07", "\\0", "\\08", "\\0400", "\\0377", "\\01411", "\\ca", "\\cA", "\\cM", "\\c", "\\cI", "\\t", "\\n", "\\r", "\\f", "\\a", "\\e",
        "\\", "a\\", "\\-", "\\_", "\\.", "\\ ", "\\#", "\\y", "\\q", "\\C", "\\l", "\\j", "\\i", "\\m", "\\o", "\\g", "\\K", "\\Y", "\\M", "\\O", "\\I", "\\F", "\\L", "\\U", "\\J", "\\T",
        "\\\u00E9", "\u00E9+", "[\u00E0-\u00FF]", ".*\\.dlq", "app\\.v[12]\\..*", "[a-z]+(?:[._-][a-z0-9]+)*", "(?i)ORDERS(?:[.-]\\w+)?", "\\w+[.]\\w+", "_{2}.*",
    };

    static final String[] LETTERS = {"a", "b", "c", "o", "r", "d", "e", "s", "t", "A", "B", "0", "1", "7", "-", "_", "orders", "eu", "my"};
    static final String[] ESCAPES = {
        "\\d", "\\w", "\\W", "\\s", "\\D", "\\S", "\\.", "\\-", "\\p{Lower}", "\\p{Alpha}", "\\P{Upper}", "\\pL", "\\x61", "\\u0062", "\\0141", "\\Qa.\\E", "\\h", "\\p{Punct}",
    };
    static final String[] CLASS_ITEMS = {
        "a", "b", "-", "z", "0", "a-z", "A-Z", "0-9", "a-c", "\\d", "\\w", "\\W", "\\s", "\\-", "\\]", ".", "_", "^", "&", "\\p{Lower}", "\\Q-\\E", "\\x30-\\x39", "$", "(", "|",
    };
    static final String[] ANCHORS = {"^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B"};
    static final String[] QUANTIFIERS = {"*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}", "{0}"};
    static final String[] GROUPS = {"(", "(?:", "(?i:", "(?s:", "(?<g>", "(?-i:"};
    static final String NOISE = "ab.*+?{}[]()|^$\\-&,12:=!<>iQEdwpP";

    static String any(String[] list) {
        return list[random.nextInt(list.length)];
    }

    static String expression(int depth) {
        StringBuilder b = new StringBuilder(sequence(depth));
        while (random.nextInt(4) == 0) {
            b.append('|').append(sequence(depth));
        }
        return b.toString();
    }

    static String sequence(int depth) {
        StringBuilder b = new StringBuilder();
        for (int n = random.nextInt(4); n >= 0; n--) {
            b.append(atom(depth));
            if (random.nextInt(3) == 0) {
                b.append(any(QUANTIFIERS));
            }
        }
        return b.toString();
    }

    static String atom(int depth) {
        switch (random.nextInt(depth > 0 ? 10 : 8)) {
            case 0: case 1: case 2: return any(LETTERS);
            case 3: return ".";
            case 4: return any(ESCAPES);
            case 5: return characterClass();
            case 6: return random.nextInt(3) == 0 ? any(ANCHORS) : any(LETTERS);
            case 7: return random.nextInt(4) == 0 ? "(?i)" + any(LETTERS) : ".";
            default: return any(GROUPS) + expression(depth - 1) + ")";
        }
    }

    static String characterClass() {
        StringBuilder b = new StringBuilder(random.nextInt(3) == 0 ? "[^" : "[");
        for (int n = random.nextInt(4); n >= 0; n--) {
            b.append(any(CLASS_ITEMS));
        }
        return b.append(']').toString();
    }

    static String noise() {
        StringBuilder b = new StringBuilder();
        for (int n = random.nextInt(9); n >= 0; n--) {
            b.append(NOISE.charAt(random.nextInt(NOISE.length())));
        }
        return b.toString();
    }

    static String escaped(String s) {
        StringBuilder b = new StringBuilder();
        for (char c : s.toCharArray()) {
            if (c > ' ' && c < 0x7F && c != '\\') {
                b.append(c);
            } else {
                b.append(String.format("\\u%04X", (int) c));
            }
        }
        return b.toString();
    }

    static String row(String pattern) {
        Pattern compiled;
        try {
            compiled = Pattern.compile(pattern);
        } catch (PatternSyntaxException | ArithmeticException e) {
            return "error";
        }
        StringBuilder b = new StringBuilder();
        for (String input : INPUTS) {
            b.append(compiled.matcher(input).matches() ? '1' : '0');
        }
        return b.toString();
    }

    public static void main(String[] args) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Set<String> patterns = new LinkedHashSet<>(List.of(BY_HAND));
        while (patterns.size() < BY_HAND.length + RANDOM_PATTERNS) {
            patterns.add(random.nextInt(4) == 0 ? noise() : expression(2));
        }
        List<String> inputs = new ArrayList<>();
        for (String input : INPUTS) {
            inputs.add(escaped(input));
        }
        out.println(String.join("\t", inputs));
        for (String pattern : patterns) {
            out.println(pattern + "\t" + row(pattern));
        }
    }
}
