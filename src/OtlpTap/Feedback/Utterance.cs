using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace OtlpTap.Feedback;

/// <summary>
/// What a user wrote, reduced to what tells whether it was asked before: its content words without case, accents and
/// ending, which of them pin the question down (numbers, names, times), and whether it protests or thanks. English,
/// German, French, Spanish; of other languages only the words themselves count.
/// </summary>
internal sealed class Utterance
{
    /// <summary>What comes after it cannot change whether it is a repetition, and pasted documents are no question.</summary>
    private const int CharactersMax = 2000;

    private const int WordsMax = 200;

    // Words that carry no topic; and words with which one asks.
    private static readonly FrozenSet<string> Fillers = ListOf(
        """
        a an the this that these those it its is are was were be been being am do does did done have has had will would can could
        should shall may might must of in on at to for from by with about into over as and or but if then so than too very just
        i me my mine we us our you your he she they them his her their what which who whom whose when where why how there here
        not no yes ok okay please pls plz hello hi hey dear now right well also only even really actually still again already
        wrong incorrect right correct work works worked doesn't didn't don't isn't that's it's i'm useless nonsense helpful answer
        want wants need needs know tell show give get let say said ask asked mean meant like help check find look explain
        der die das den dem des ein eine einen einem einer ist sind war waren sein hat haben hatte wird werden kann kannst konnte
        soll ich mich mir mein meine du dich dir dein deine wir uns unser ihr euch er sie es und oder aber wenn dann so wie was
        wer wo wann warum welche welcher welches nicht kein keine ja nein bitte danke hallo jetzt mal noch auch nur schon doch
        von zu zum zur im in am an auf fur mit bei aus nach uber unter zeig sag gib brauche mochte will
        le la les un une des du de d l est sont etait etre a ont avoir peut peux pouvez je me moi mon ma mes tu te toi ton ta tes
        nous notre vous votre il elle ils elles leur et ou mais si que qui quoi quel quelle quels quelles quand comment pourquoi
        ne pas non oui svp plait bonjour maintenant aussi encore dans sur avec pour par en au aux ce cet cette ces
        el los las unos unas del es son era ser ha han haber puede puedes yo mi mis tu su sus nosotros nuestro
        y o pero si que quien cual cuales cuando como donde no ni por favor hola ahora tambien con para en al este esta esto
        """);

    // Another time is another question.
    private static readonly FrozenSet<string> Times = ListOf(
        """
        today tomorrow yesterday tonight morning afternoon evening night noon weekend week month year day hour minute next last
        previous later earlier monday tuesday wednesday thursday friday saturday sunday january february march april may june
        july august september october november december spring summer autumn fall winter
        heute morgen gestern abend nacht mittag woche monat jahr tag stunde nachste nachsten letzte letzten montag dienstag
        mittwoch donnerstag freitag samstag sonntag januar februar marz juni juli oktober dezember
        aujourd'hui aujourdhui demain hier soir matin semaine mois annee jour heure prochain prochaine dernier derniere lundi
        mardi mercredi jeudi vendredi samedi dimanche janvier fevrier mars avril mai juin juillet aout septembre octobre
        hoy manana ayer noche tarde semana mes ano dia hora proximo proxima pasado pasada lunes martes miercoles jueves viernes
        sabado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
        """);

    // Opposite or other of the same kind: a changed one of these changes the question.
    private static readonly FrozenSet<string> Contrasts = ListOf(
        """
        other another else instead different more less most least highest lowest cheapest fastest best worst first second third
        andere anderer anderes stattdessen mehr weniger autre autres plutot plus moins otro otra otros mas menos mejor peor
        """);

    // With a space on either side; the text is lower-cased, without accents and punctuation.
    private static readonly string[] Protests =
    [
        " i mean ", " i meant ", " i said ", " i asked ", " i already ", " that is wrong ", " that's wrong ", " thats wrong ", " this is wrong ",
        " still wrong ", " is wrong ", " wrong answer ", " not right ", " not correct ", " incorrect ", " not what i ", " doesn't answer ",
        " does not answer ", " didn't answer ", " did not answer ", " didnt answer ", " doesn't work ", " does not work ", " didn't work ",
        " doesnt work ", " still not ", " still doesn't ", " still does not ", " try again ", " read again ", " listen ", " nonsense ", " useless ",
        " you misunderstood ", " misunderstood ", " you don't understand ", " you are not ", " answer my question ", " answer the question ",
        " not helpful ", " that's not ", " thats not ", " that is not ", " once more ", " for the last time ", " once again ", " as i said ",
        " ich meine ", " ich meinte ", " ich sagte ", " das ist falsch ", " stimmt nicht ", " immer noch ", " nicht was ich ", " nochmal ", " noch mal ",
        " ich habe gefragt ", " falsch ", " unsinn ",
        " je veux dire ", " je voulais dire ", " c'est faux ", " ce n'est pas ", " toujours pas ", " j'ai demande ", " incorrecte ",
        " quiero decir ", " quise decir ", " eso no es ", " esta mal ", " es incorrecto ", " otra vez ", " todavia no ", " sigue mal ",
    ];

    private static readonly string[] Openings = [" no ", " nope ", " nein ", " non ", " wrong ", " falsch "];

    private static readonly string[] Thanks =
    [
        " thanks ", " thank you ", " thx ", " perfect ", " great ", " awesome ", " that works ", " got it ", " danke ", " perfekt ", " super ",
        " merci ", " parfait ", " gracias ", " perfecto ", " that's all ", " thats all ", " that is all ", " never mind ", " nevermind ",
    ];

    private Utterance(string spoken, HashSet<string> words, HashSet<string> pins, bool protests, bool thanks, bool startsWithNo)
    {
        Words = string.GetHashCode(spoken, StringComparison.Ordinal);
        ContentWords = words;
        Pins = pins;
        IsProtest = protests && !thanks;
        IsThanks = thanks;
        StartsWithNo = startsWithNo;
    }

    /// <summary>A hash of all its words in their order: equal for the very same words.</summary>
    public int Words { get; }

    /// <summary>Stems of the words that carry the topic.</summary>
    public IReadOnlySet<string> ContentWords { get; }

    /// <summary>Those that pin the question down: numbers, names, times.</summary>
    public IReadOnlySet<string> Pins { get; }

    /// <summary>It says that the last answer was none: "that is still wrong", "I mean ...".</summary>
    public bool IsProtest { get; }

    public bool IsThanks { get; }

    /// <summary>It begins with a no.</summary>
    public bool StartsWithNo { get; }

    /// <summary>Bytes that it keeps, roughly.</summary>
    public int Bytes => 128 + ContentWords.Concat(Pins).Sum(word => 64 + (2 * word.Length));

    public static Utterance Of(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var pins = new HashSet<string>(StringComparer.Ordinal);
        var plain = new StringBuilder(" ");
        var isFirst = true;
        foreach (var raw in WordsOf(text.AsSpan(0, Math.Min(text.Length, CharactersMax))).Take(WordsMax))
        {
            var word = Fold(raw);
            plain.Append(word).Append(' ');
            var isName = !isFirst && char.IsUpper(raw[0]) && raw.Skip(1).Any(char.IsLower);
            isFirst = false;
            if (Fillers.Contains(word) || word.Length == 0)
            {
                continue;
            }

            var stem = Stem(word);
            words.Add(stem);
            if (isName || word.Any(char.IsAsciiDigit) || Times.Contains(word) || Contrasts.Contains(word))
            {
                pins.Add(stem);
            }
        }

        var spoken = plain.ToString();
        return new Utterance(
            spoken,
            words,
            pins,
            Array.Exists(Protests, phrase => spoken.Contains(phrase, StringComparison.Ordinal)),
            Array.Exists(Thanks, phrase => spoken.Contains(phrase, StringComparison.Ordinal)),
            Array.Exists(Openings, opening => spoken.StartsWith(opening, StringComparison.Ordinal)));
    }

    /// <summary>0 to 1: how much of what both say they have in common; the better of equal words and equal runs of three letters.</summary>
    public double SimilarityTo(Utterance other)
    {
        if (ContentWords.Count == 0 || other.ContentWords.Count == 0)
        {
            return 0;
        }

        var common = ContentWords.Count(other.ContentWords.Contains);
        var words = (double)common / (ContentWords.Count + other.ContentWords.Count - common);
        var mine = Trigrams(ContentWords);
        var theirs = Trigrams(other.ContentWords);
        var letters = 2.0 * mine.Count(theirs.Contains) / (mine.Count + theirs.Count);
        return Math.Max(words, letters);
    }

    private static HashSet<(char, char, char)> Trigrams(IEnumerable<string> words)
    {
        var trigrams = new HashSet<(char, char, char)>();
        foreach (var word in words)
        {
            var padded = $" {word} ";
            for (var i = 0; i + 2 < padded.Length; i++)
            {
                trigrams.Add((padded[i], padded[i + 1], padded[i + 2]));
            }
        }

        return trigrams;
    }

    private static List<string> WordsOf(ReadOnlySpan<char> text)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            var isInside = i < text.Length && (char.IsLetterOrDigit(text[i]) || (start >= 0 && text[i] is '\'' or '’' or '-' && i + 1 < text.Length && char.IsLetterOrDigit(text[i + 1])));
            if (isInside && start < 0)
            {
                start = i;
            }
            else if (!isInside && start >= 0)
            {
                words.Add(text[start..i].ToString());
                start = -1;
            }
        }

        return words;
    }

    private static string Fold(string word)
    {
        var folded = new StringBuilder(word.Length);
        foreach (var character in word.Normalize(NormalizationForm.FormD))
        {
            if (CharUnicodeInfo.GetUnicodeCategory(character) != UnicodeCategory.NonSpacingMark)
            {
                folded.Append(character == '’' ? '\'' : char.ToLowerInvariant(character));
            }
        }

        return folded.ToString();
    }

    // Light: endings of number and tense, so that "resetting passwords" meets "reset password" by its letters at least.
    private static string Stem(string word)
    {
        foreach (var ending in (ReadOnlySpan<string>)["ing", "ed", "es", "s", "en", "er", "e", "n"])
        {
            if (word.Length - ending.Length >= 4 && word.EndsWith(ending, StringComparison.Ordinal))
            {
                return word[..^ending.Length];
            }
        }

        return word;
    }

    private static FrozenSet<string> ListOf(string list) =>
        list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
}
