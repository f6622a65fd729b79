using System.Collections.Frozen;

namespace OtlpTap.Detectors.Grounding;

/// <summary>Words with a meaning for the reader, in English, German, French and Spanish; folded.</summary>
internal static class Vocabulary
{
    public static readonly FrozenDictionary<string, int> Months = Numbered(
        "january jan januar janvier enero janv ene", "february feb februar fevrier febrero fevr", "march mar marz mars marzo maerz", "april apr avril abril avr abr",
        "may mai mayo", "june jun juni juin junio", "july jul juli juillet julio juil", "august aug aout agosto ago", "september sep sept septembre septiembre setiembre",
        "october oct oktober octobre octubre okt", "november nov novembre noviembre", "december dec dezember decembre diciembre dez dic");

    /// <summary>As <see cref="DayOfWeek"/> plus one.</summary>
    public static readonly FrozenDictionary<string, int> Weekdays = Numbered(
        "sunday sonntag dimanche domingo", "monday montag lundi lunes", "tuesday dienstag mardi martes", "wednesday mittwoch mercredi miercoles",
        "thursday donnerstag jeudi jueves", "friday freitag vendredi viernes", "saturday samstag samedi sabado");

    public static readonly FrozenDictionary<string, double> Numbers = Valued(
        "zero=0 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 thirteen=13 fourteen=14 fifteen=15 sixteen=16 seventeen=17 eighteen=18 nineteen=19 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70 eighty=80 ninety=90 dozen=12 twice=2 both=2 " +
        "zwei=2 drei=3 vier=4 funf=5 sechs=6 sieben=7 acht=8 neun=9 zehn=10 elf=11 zwolf=12 zwanzig=20 dreissig=30 vierzig=40 funfzig=50 " +
        "deux=2 trois=3 quatre=4 cinq=5 sept=7 huit=8 neuf=9 dix=10 onze=11 douze=12 vingt=20 trente=30 quarante=40 cinquante=50 " +
        "dos=2 tres=3 cuatro=4 cinco=5 seis=6 siete=7 ocho=8 nueve=9 diez=10 once=11 doce=12 veinte=20 treinta=30");

    public static readonly FrozenDictionary<string, double> Scales = Valued(
        "k=1e3 thousand=1e3 tausend=1e3 mille=1e3 mil=1e3 m=1e6 mn=1e6 mio=1e6 million=1e6 millions=1e6 millionen=1e6 millones=1e6 bn=1e9 b=1e9 billion=1e9 billions=1e9 milliarden=1e9 milliarde=1e9 mrd=1e9 milliards=1e9 trillion=1e12 hundred=100 hundert=100");

    public static readonly FrozenSet<string> Negations = Set("no not never none without isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't won't cannot can't couldn't nor neither nicht kein keine keinen keinem keiner ohne nie pas aucun aucune sans jamais ningun ninguna sin nunca yet");

    public static readonly FrozenSet<string> Openers = Set("if when once unless whether until would could might should may wenn falls sobald bis si quand cuando");

    public static readonly FrozenSet<string> Advice = Set("recommend suggest plan usually typically generally try should consider make allow early please wait minutes few tip bring expect ideally feel remember empfehle normalerweise ublicherweise conseille recomiendo available emergency call");

    public static readonly FrozenSet<string> Arithmetic = Set("total sum altogether overall together combined difference average mean more less fewer cheaper expensive longer shorter older saves save saving savings increase decrease rise rose grew growth drop dropped fell decline change ahead behind other remaining left each per times twice half before after later earlier insgesamt zusammen gesamt summe durchschnitt mehr weniger differenz teurer billiger gunstiger total somme moyenne plus moins suma promedio mas menos ahorra trip takes difference percent");

    public static readonly FrozenSet<string> Approximations = Set("about around roughly approximately approx nearly almost over under circa ca some close etwa rund ungefahr knapp fast environ pres unos cerca casi aproximadamente more least");

    public static readonly FrozenSet<string> Unable = Set("sorry apologize apologise unable couldn't cannot can't couldn't unfortunately leider entschuldigung desole malheureusement lamento desafortunadamente");

    /// <summary>What says that a prompt carries the facts by itself.</summary>
    public static readonly string[] ContextCues =
    [
        "context", "kontext", "contexte", "contexto", "facts:", "fakten:", "document", "dokument", "passage", "excerpt", "source:", "sources:", "quelle", "knowledge base", "wissensbasis",
        "based on the following", "nur anhand", "summarise", "summarize", "zusammenfass", "following text", "article:", "<data", "policy:", "faq",
    ];

    /// <summary>Capitalised for other reasons than that they name something of the inputs.</summary>
    public static readonly FrozenSet<string> NoNames = Set("i i'm i've i'll ok okay yes no the a an and or but in on at for to of your you it we there please note total subtotal am pm utc gmt cet est pst eur usd gbp api pdf json html http https url faq ai id it's hi hello dear thanks thank sincerely best regards mr mrs ms dr prof professor english german french spanish european american danish today tomorrow yesterday monday q1 q2 q3 q4 internet christmas google bing wikipedia sie ihr ihre ihnen ich wir je vous nous usted su summary details answer question step result results options option tip who celsius fahrenheit");

    public static readonly FrozenSet<string> German = Set("der die das und ist nicht sie ihre ihr mit bei wird wurde von im den ein eine fur auf es");

    public static bool Has(FrozenSet<string> set, ReadOnlySpan<char> word)
    {
        if (word.Length is 0 or > 20)
        {
            return false;
        }

        Span<char> folded = stackalloc char[word.Length];
        Fold(word, folded);
        return set.GetAlternateLookup<ReadOnlySpan<char>>().Contains(folded);
    }

    public static bool TryGet<T>(FrozenDictionary<string, T> table, ReadOnlySpan<char> word, out T value)
    {
        value = default!;
        if (word.Length is 0 or > 14)
        {
            return false;
        }

        Span<char> folded = stackalloc char[word.Length];
        Fold(word, folded);
        return table.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(folded, out value!);
    }

    private static void Fold(ReadOnlySpan<char> word, Span<char> folded)
    {
        for (var i = 0; i < word.Length; i++)
        {
            folded[i] = Letters.Fold(word[i]);
        }
    }

    private static FrozenSet<string> Set(string words) => words.Split(' ').ToFrozenSet(StringComparer.Ordinal);

    private static FrozenDictionary<string, int> Numbered(params string[] rows) =>
        rows.SelectMany((row, index) => row.Split(' ').Select(word => (word, index + 1))).DistinctBy(pair => pair.word).ToFrozenDictionary(pair => pair.word, pair => pair.Item2, StringComparer.Ordinal);

    private static FrozenDictionary<string, double> Valued(string words) =>
        words.Split(' ').Select(word => word.Split('=')).DistinctBy(pair => pair[0]).ToFrozenDictionary(pair => pair[0], pair => double.Parse(pair[1], System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal);
}
