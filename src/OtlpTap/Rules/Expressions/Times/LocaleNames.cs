namespace OtlpTap.Rules.Expressions.Times;

/// <summary>
/// The names of days and months in some languages, which are put into English before a time is read. The names are those
/// of the Unicode CLDR; where it has none for a form, a time in that form cannot be read.
/// </summary>
internal sealed class LocaleNames
{
    private static readonly Dictionary<string, LocaleNames> All = new(StringComparer.Ordinal)
    {
        ["en"] = new(
            "Sunday Monday Tuesday Wednesday Thursday Friday Saturday",
            "Sun Mon Tue Wed Thu Fri Sat",
            "January February March April May June July August September October November December",
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
            ["AM", "PM"]),
        ["de"] = new(
            "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag",
            "So. Mo. Di. Mi. Do. Fr. Sa.",
            "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
            []),
        ["fr"] = new(
            "dimanche lundi mardi mercredi jeudi vendredi samedi",
            "dim. lun. mar. mer. jeu. ven. sam.",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
            []),
        ["es"] = new(
            "domingo lunes martes miércoles jueves viernes sábado",
            "dom lun mar mié jue vie sáb",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "ene feb mar abr may jun jul ago sept oct nov dic",
            ["a.m.", "p.m."]),
        ["it"] = new(
            "domenica lunedì martedì mercoledì giovedì venerdì sabato",
            "dom lun mar mer gio ven sab",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "gen feb mar apr mag giu lug ago set ott nov dic",
            ["m.", "p."]),
        ["pt"] = new(
            "domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado",
            "dom. seg. ter. qua. qui. sex. sáb.",
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
            "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
            []),
        ["nl"] = new(
            "zondag maandag dinsdag woensdag donderdag vrijdag zaterdag",
            "zo ma di wo do vr za",
            "januari februari maart april mei juni juli augustus september oktober november december",
            "jan feb mrt apr mei jun jul aug sep okt nov dec",
            ["a.m.", "p.m."]),
        ["sv"] = new(
            "söndag måndag tisdag onsdag torsdag fredag lördag",
            "sön mån tis ons tors fre lör",
            "januari februari mars april maj juni juli augusti september oktober november december",
            "jan. feb. mars apr. maj juni juli aug. sep. okt. nov. dec.",
            ["fm", "em"]),
        ["da"] = new(
            "søndag mandag tirsdag onsdag torsdag fredag lørdag",
            "søn. man. tirs. ons. tors. fre. lør.",
            "januar februar marts april maj juni juli august september oktober november december",
            "jan. feb. mar. apr. maj jun. jul. aug. sep. okt. nov. dec.",
            ["a", "p"]),
        ["pl"] = new(
            "niedziela poniedziałek wtorek środa czwartek piątek sobota",
            "niedz. pon. wt. śr. czw. pt. sob.",
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
            "sty lut mar kwi maj cze lip sie wrz paź lis gru",
            ["a", "p"]),
        ["ru"] = new(
            "воскресенье понедельник вторник среда четверг пятница суббота",
            "вс пн вт ср чт пт сб",
            "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
            "янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек.",
            []),
        ["ja"] = new(
            "日曜日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日",
            "日 月 火 水 木 金 土",
            "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
            "",
            ["午前", "午後"]),
        ["zh"] = new(
            "星期日 星期一 星期二 星期三 星期四 星期五 星期六",
            "周日 周一 周二 周三 周四 周五 周六",
            "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
            "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
            ["上午", "下午"]),
        ["ko"] = new(
            "일요일 월요일 화요일 수요일 목요일 금요일 토요일",
            "일 월 화 수 목 금 토",
            "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월",
            "",
            []),
    };

    /// <summary>Regions whose names are those of the language.</summary>
    private static readonly HashSet<string> Regions =
        new("en-US en-GB en-CA en-AU en-IE en-NZ de-DE fr-FR fr-BE fr-CH es-ES it-IT it-CH pt-BR nl-NL nl-BE sv-SE da-DK pl-PL ru-RU ja-JP ko-KR zh-CN".Split(' '), StringComparer.Ordinal);

    private readonly string[] _days;
    private readonly string[] _shortDays;
    private readonly string[] _months;
    private readonly string[] _shortMonths;
    private readonly string[] _periods;

    private LocaleNames(string days, string shortDays, string months, string shortMonths, string[] periods)
    {
        _days = Names(days);
        _shortDays = Names(shortDays);
        _months = Names(months);
        _shortMonths = Names(shortMonths);
        _periods = [.. periods.Select(ByteText.Of)];

        static string[] Names(string words) => [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ByteText.Of)];
    }

    public static string Known => string.Join(", ", All.Keys.Order(StringComparer.Ordinal));

    /// <summary>By its BCP 47 tag; null for one that is not known.</summary>
    public static LocaleNames? Find(string language) => All.GetValueOrDefault(Regions.Contains(language) ? language[..2] : language);

    /// <summary>Replaces the names that the layout asks for. False with the element of the layout whose name is not there.</summary>
    public bool TryTranslate(string layout, string text, out string english, out string element)
    {
        var translated = new System.Text.StringBuilder();
        var textAt = 0;
        element = "";
        english = text;
        for (var at = 0; at < layout.Length;)
        {
            var next = LayoutElement.After(layout, at);
            var (names, standard) = TablesOf(next);
            if (next.Prefix.Length > 0)
            {
                Copy(next.Prefix.Length);
            }

            at = next.Next;
            if (names is not null)
            {
                if (!TryName(names, standard!, text, ref textAt, translated))
                {
                    element = next.Text;
                    return false;
                }
            }
            else if (next.Kind is LayoutKind.Hour or LayoutKind.Hour12 or LayoutKind.Minute or LayoutKind.Second)
            {
                // Of what is counted, only the clock may be shorter than the layout shows it.
                Copy(next.Text.Length - 1);
                if (!TryNumber(text, ref textAt, translated))
                {
                    element = next.Text[^1..];
                    return false;
                }
            }
            else
            {
                Copy(next.Text.Length);
            }
        }

        english = translated.Append(text, Math.Min(textAt, text.Length), Math.Max(0, text.Length - textAt)).ToString();
        return true;

        void Copy(int length)
        {
            var available = Math.Clamp(text.Length - textAt, 0, length);
            translated.Append(text, Math.Min(textAt, text.Length), available);
            textAt += available;
        }
    }

    private (string[]? Names, string[]? Standard) TablesOf(LayoutElement element) => element.Kind switch
    {
        LayoutKind.LongMonth => (_months, EnglishNames.Months),
        LayoutKind.Month => (_shortMonths, [.. EnglishNames.Months.Select(name => name[..3])]),
        LayoutKind.LongWeekday => (_days, EnglishNames.Weekdays),
        LayoutKind.Weekday => (_shortDays, [.. EnglishNames.Weekdays.Select(name => name[..3])]),
        LayoutKind.UpperPeriod => (_periods, ["AM", "PM"]),
        LayoutKind.LowerPeriod => (_periods, ["am", "pm"]),
        _ => (null, null),
    };

    /// <summary>The longest of the names, without regard to case; blanks before it stay.</summary>
    private static bool TryName(string[] names, string[] standard, string text, ref int at, System.Text.StringBuilder translated)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            translated.Append(' ');
            at++;
        }

        var found = -1;
        for (var i = 0; i < names.Length; i++)
        {
            if ((found < 0 || names[i].Length > names[found].Length) && at + names[i].Length <= text.Length
                && ByteText.ToDisplay(text.Substring(at, names[i].Length)).Equals(ByteText.ToDisplay(names[i]), StringComparison.OrdinalIgnoreCase))
            {
                found = i;
            }
        }

        if (found < 0)
        {
            return false;
        }

        translated.Append(standard[found]);
        at += names[found].Length;
        return true;
    }

    /// <summary>One digit or two.</summary>
    private static bool TryNumber(string text, ref int at, System.Text.StringBuilder translated)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            translated.Append(' ');
            at++;
        }

        var start = at;
        while (at < text.Length && at - start < 2 && char.IsAsciiDigit(text[at]))
        {
            translated.Append(text[at++]);
        }

        return at > start;
    }
}
